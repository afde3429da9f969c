//! Makes numbers of those values that are numbers, and doubles them.

use tidemill_smartmodule::{Output, Record, smartmodule};

/// Doubles numbers; leaves out what is none.
#[smartmodule(filter_map)]
pub fn doubled<'a>(record: &Record<'a>) -> Option<Output<'a>> {
    let number: i64 = record.text()?.trim().parse().ok()?;
    Some(record.with_value(number.checked_mul(2)?.to_string()))
}
