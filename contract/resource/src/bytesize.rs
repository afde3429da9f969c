//! Sizes in bytes, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes. Written `10GiB`, `512KiB`, `1MB` or `100B`; a bare whole number means bytes.
///
/// Prints with the largest unit that loses nothing, so reading back gives the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

/// Largest first: printing takes the first that divides.
const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

const MEND: &str = "write a whole number and a unit, such as 512KiB, 10GiB or 1GB";

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        match UNITS
            .iter()
            .find(|(_, factor)| bytes >= *factor && bytes % factor == 0)
        {
            Some((unit, factor)) => write!(f, "{}{unit}", bytes / factor),
            None => write!(f, "{bytes}B"),
        }
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let number: u64 = digits
            .parse()
            .map_err(|_| format!("`{text}` is not a size: {MEND}"))?;
        let unit = unit.trim_start();
        let factor = match unit {
            "" => 1,
            _ => UNITS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(unit))
                .map(|(_, factor)| *factor)
                .ok_or_else(|| format!("`{text}` is not a size: {MEND}"))?,
        };
        let bytes = number
            .checked_mul(factor)
            .filter(|bytes| i64::try_from(*bytes).is_ok());
        bytes
            .map(Self)
            .ok_or_else(|| format!("`{text}` is too large: the most is 8388607TiB"))
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 512KiB or 10GiB")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                bytes.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn reads_units_and_prints_the_largest_exact_one() {
        for (text, bytes, printed) in [
            ("10GiB", 10 << 30, "10GiB"),
            ("1 gib", 1 << 30, "1GiB"),
            ("1048576", 1 << 20, "1MiB"),
            ("1500B", 1500, "1500B"),
            ("3MB", 3_000_000, "3MB"),
            ("0", 0, "0B"),
            ("2000", 2000, "2kB"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size, ByteSize(bytes), "{text}");
            assert_eq!(size.to_string(), printed);
            assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn refuses_nonsense_with_the_mend() {
        for text in ["", "GiB", "-1", "1.5GiB", "10 parsecs", "99999999999TiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        let error = "1.5GiB".parse::<ByteSize>().unwrap_err();
        assert!(error.contains("such as 512KiB"), "{error}");
    }
}
