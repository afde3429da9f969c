//! What a version of a SmartModule is known by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The SHA-256 of a wasm file. Written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleDigest(pub [u8; 32]);

const SCHEME: &str = "sha256:";
/// Fewest digits of a prefix that stands for a digest: fewer would soon mean several.
const SHORTEST: usize = 4;

impl ModuleDigest {
    /// The 64 digits alone: what the file is called on disk.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first 12 digits: enough for people.
    pub fn short(self) -> String {
        self.to_hex().chars().take(12).collect()
    }

    /// Whether a prefix that [`check_digest_prefix`] took is one of this digest.
    pub fn starts_with(self, prefix: &str) -> bool {
        let digits = prefix.strip_prefix(SCHEME).unwrap_or(prefix);
        self.to_hex().starts_with(&digits.to_ascii_lowercase())
    }
}

/// Checks the beginning of a digest: 4 to 64 hexadecimal digits, with or without `sha256:`.
///
/// # Errors
/// A sentence with the mend.
pub fn check_digest_prefix(prefix: &str) -> Result<(), String> {
    let digits = prefix.strip_prefix(SCHEME).unwrap_or(prefix);
    let legal = (SHORTEST..=64).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    if legal {
        return Ok(());
    }
    Err(format!(
        "`{}` is not a digest: write sha256: and its digits, the first {SHORTEST} or more",
        prefix.escape_debug()
    ))
}

impl fmt::Display for ModuleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.to_hex())
    }
}

impl fmt::Debug for ModuleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ModuleDigest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text = text.escape_debug();
            format!("`{text}` is not a digest: write sha256: and 64 hexadecimal digits")
        };
        let digits = text.strip_prefix(SCHEME).unwrap_or(text);
        if digits.len() != 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = digits.get(at * 2..at * 2 + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for ModuleDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModuleDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_knows_its_beginnings() {
        let digest = ModuleDigest([0xab; 32]);
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(digest.short(), "abababababab");
        assert!(
            digest.starts_with("abab") && digest.starts_with("sha256:ABab") && !digest.starts_with("abac")
        );
        for bad in ["", "abc", "sha256:", "xyzw", "sha1:abcd", &"a".repeat(65)] {
            assert!(check_digest_prefix(bad).is_err(), "{bad}");
        }
        assert_eq!(check_digest_prefix("sha256:abab"), Ok(()));
        assert!("abab".parse::<ModuleDigest>().unwrap_err().contains("64"));
    }
}
