//! Keeps records whose value contains a text.

use tidemill_smartmodule::{Params, Record, smartmodule};

/// What to keep.
#[derive(Params)]
pub struct Options {
    /// What to look for
    #[param(default = "error")]
    text: String,
    /// Keep what does not have it
    #[param(default = false)]
    invert: bool,
}

/// Keeps records whose value contains a text.
#[smartmodule(filter)]
pub fn contains(record: &Record, params: &Options) -> bool {
    record.text().is_some_and(|text| text.contains(&params.text)) != params.invert
}
