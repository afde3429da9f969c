//! Makes a record of each word.

use tidemill_smartmodule::{Output, Record, Result, smartmodule};

/// Makes a record of each word.
#[smartmodule(flat_map)]
pub fn words<'a>(record: &Record<'a>) -> Result<Vec<Output<'a>>> {
    let text = record.require_text()?;
    Ok(text
        .split_whitespace()
        .map(|word| record.to_output().value_from(word.as_bytes()))
        .collect())
}
