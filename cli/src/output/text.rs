//! Numbers and times as people read them.

use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
use jiff::Timestamp;

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `1 record`, `1,234,567 records`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// `1.21 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    HumanBytes(number).to_string()
}

/// `2026-01-31T08:00:00.123Z`; nothing for a time that is not known.
pub(crate) fn time(ms: i64) -> Option<String> {
    if ms < 0 {
        return None;
    }
    let at = Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{at:.3}"))
}

/// `1.25 s`, `3.20 ms`, `140 us`.
pub(crate) fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.0} us", seconds * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "record"), "1 record");
        assert_eq!(counted(1_000, "record"), "1,000 records");
        assert_eq!(bytes(3 << 20), "3.00 MiB");
        assert_eq!(time(1_500).as_deref(), Some("1970-01-01T00:00:01.500Z"));
        assert_eq!(time(-1), None);
        assert_eq!(duration(Duration::from_micros(140)), "140 us");
        assert_eq!(duration(Duration::from_micros(3_200)), "3.20 ms");
    }
}
