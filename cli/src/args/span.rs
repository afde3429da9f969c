//! Spans of time as arguments: `90s`, `500ms`, `1h30m`.

use std::str::FromStr;
use std::time::Duration;

use tidemill_resource::TimeSpan;

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ms = TimeSpan::from_str(text)?.ms();
        Ok(Self(Duration::from_millis(u64::try_from(ms).unwrap_or(0))))
    }
}
