//! How far a benchmark has come, drawn only on a terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

const KNOWN: &str = "{bar:32} {human_pos}/{human_len} records {per_sec} {msg} eta {eta}";
const UNKNOWN: &str = "{spinner} {human_pos} records {per_sec} {msg} {elapsed}";

/// A bar towards a known number of records, else a spinner; nothing where nobody looks.
pub(super) fn start(records: Option<u64>, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match records {
        Some(records) => (ProgressBar::new(records), KNOWN),
        None => (ProgressBar::new_spinner(), UNKNOWN),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
