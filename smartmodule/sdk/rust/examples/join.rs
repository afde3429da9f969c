//! Joins an order with its customer.

use tidemill_smartmodule::{Output, Record, smartmodule};

/// Puts the left value before the right one, where the keys agree.
#[smartmodule(join)]
pub fn side_by_side<'a>(left: &Record<'a>, right: &Record<'a>) -> Option<Output<'a>> {
    if left.key() != right.key() {
        return None;
    }
    Some(left.with_value(format!("{} {}", left.text()?, right.text()?)))
}
