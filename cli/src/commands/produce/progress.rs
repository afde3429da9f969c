//! How far sending has come, drawn only on a terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

const KNOWN: &str = "{bar:32} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} eta {eta}";
const UNKNOWN: &str = "{spinner} {bytes} {binary_bytes_per_sec} {msg}";

/// A bar for input of known size, a spinner for a stream; nothing where nobody looks, or where input is typed.
pub(super) fn start(size: Option<u64>, quiet: bool) -> ProgressBar {
    let typed = size.is_none() && std::io::stdin().is_terminal();
    if quiet || typed || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), KNOWN),
        None => (ProgressBar::new_spinner(), UNKNOWN),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
