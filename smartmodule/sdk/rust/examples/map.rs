//! Writes values in capitals.

use tidemill_smartmodule::{Output, Record, Result, smartmodule};

/// Writes values in capitals, and says so in a header.
#[smartmodule(map)]
pub fn capitals<'a>(record: &Record<'a>) -> Result<Output<'a>> {
    let text = record.require_text()?;
    Ok(record
        .with_value(text.to_uppercase())
        .header("written", "in capitals"))
}
