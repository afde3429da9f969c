//! Refuses values that are not numbers from 0 to 100.

use tidemill_smartmodule::{Error, Record, Result, smartmodule};

/// Refuses values that are not numbers from 0 to 100.
#[smartmodule(validate)]
pub fn percentage(record: &Record) -> Result<()> {
    let text = record.require_text()?;
    let number: f64 = text
        .trim()
        .parse()
        .map_err(|_| Error::new(format!("`{text}` is not a number")))?;
    if !(0.0..=100.0).contains(&number) {
        return Err(Error::new(format!("{number} is not from 0 to 100")));
    }
    Ok(())
}
