//! Spans of time, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A span of time in milliseconds. Written `7d`, `12h`, `30m`, `10s`, `500ms`, or several in a row (`1d12h`).
///
/// A bare number is refused: whether it meant seconds or milliseconds is anyone's guess. Prints with the
/// largest unit that loses nothing, so reading back gives the same span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeSpan(i64);

/// Largest first. Weeks are read, but printed as days.
const UNITS: &[(&str, i64)] = &[
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
    ("w", 7 * 86_400_000),
];

const MEND: &str = "write whole numbers with units, such as 7d, 12h, 90s or 500ms";

impl TimeSpan {
    /// A span of `ms` milliseconds; a negative one becomes 0.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.max(0))
    }

    /// The span in milliseconds, 0 or more.
    pub fn ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ms) = *self;
        match UNITS.iter().find(|(_, factor)| ms >= *factor && ms % factor == 0) {
            Some((unit, factor)) => write!(f, "{}{unit}", ms / factor),
            None => write!(f, "{ms}ms"),
        }
    }
}

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a span of time: {MEND}");
        let mut rest = text.trim();
        let mut total: i64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits_end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (digits, tail) = rest.split_at(digits_end);
            let number: i64 = digits.parse().map_err(|_| wrong())?;
            let tail = tail.trim_start();
            let unit_end = tail
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(tail.len());
            let (unit, after) = tail.split_at(unit_end);
            let factor = UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .map(|(_, ms)| *ms)
                .ok_or_else(wrong)?;
            total = number
                .checked_mul(factor)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| format!("`{text}` is too long a span: use unlimited where that is allowed"))?;
            rest = after.trim_start();
        }
        Ok(Self(total))
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = TimeSpan;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time with its unit, such as 7d or 500ms")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeSpan, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::TimeSpan;

    #[test]
    fn reads_units_and_prints_the_largest_exact_one() {
        for (text, ms, printed) in [
            ("7d", 604_800_000, "7d"),
            ("1w", 604_800_000, "7d"),
            ("36h", 129_600_000, "36h"),
            ("1d12h", 129_600_000, "36h"),
            ("90 s", 90_000, "90s"),
            ("1h 30m", 5_400_000, "90m"),
            ("1500ms", 1500, "1500ms"),
            ("0s", 0, "0ms"),
        ] {
            let span: TimeSpan = text.parse().unwrap();
            assert_eq!(span.ms(), ms, "{text}");
            assert_eq!(span.to_string(), printed);
            assert_eq!(span.to_string().parse(), Ok(span));
        }
    }

    #[test]
    fn refuses_nonsense_with_the_mend() {
        for text in ["", "7", "d", "7 fortnights", "-1s", "1.5h", "99999999999999d"] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
        assert!("7".parse::<TimeSpan>().unwrap_err().contains("such as 7d"));
    }
}
