//! Adds up numbers.

use tidemill_smartmodule::{Error, Record, Result, smartmodule};

/// Adds up numbers.
#[smartmodule(aggregate)]
pub fn sum(accumulator: &[u8], record: &Record) -> Result<Vec<u8>> {
    let so_far: i64 = match std::str::from_utf8(accumulator)? {
        "" => 0,
        text => text.parse()?,
    };
    let number: i64 = record.require_text()?.trim().parse()?;
    let sum = so_far
        .checked_add(number)
        .ok_or_else(|| Error::new("the sum is more than 64 bits hold"))?;
    Ok(sum.to_string().into_bytes())
}
