//! The values that a topic's spec chooses from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};

use crate::span::TimeSpan;
use crate::suggest::nearest;

/// What happens to old records: removed after their retention, or all but the last of a key removed, or both.
///
/// Written `delete`, `compact` or `[delete, compact]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    /// Remove segments past the retention.
    pub delete: bool,
    /// Keep the last record of each key.
    pub compact: bool,
}

impl Cleanup {
    fn names(self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if self.delete {
            names.push("delete");
        }
        if self.compact {
            names.push("compact");
        }
        names
    }

    /// Reads policy names; there must be at least one.
    pub(crate) fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut cleanup = Self {
            delete: false,
            compact: false,
        };
        for name in names {
            match name.trim() {
                "delete" => cleanup.delete = true,
                "compact" => cleanup.compact = true,
                other => return Err(not_one_of("cleanup policy", other, &["delete", "compact"])),
            }
        }
        if cleanup.names().is_empty() {
            return Err("no cleanup policy is given: write delete, compact or both".to_owned());
        }
        Ok(cleanup)
    }
}

/// Comma-separated, as Kafka's `cleanup.policy` has it.
impl fmt::Display for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

impl Serialize for Cleanup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.names().as_slice() {
            [one] => serializer.serialize_str(one),
            names => serializer.collect_seq(names),
        }
    }
}

impl<'de> Deserialize<'de> for Cleanup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Cleanup;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("delete, compact or [delete, compact]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Cleanup, E> {
                Cleanup::from_names(text.split(',')).map_err(E::custom)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Cleanup, A::Error> {
                let mut names: Vec<String> = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Cleanup::from_names(names.iter().map(String::as_str)).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The schema of [`Cleanup`]: a word or a list of words.
pub(crate) fn cleanup_schema() -> Schema {
    let word = || {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["delete", "compact"]))
    };
    let words = ArrayBuilder::new().items(word());
    Schema::OneOf(OneOfBuilder::new().item(word()).item(words).build())
}

/// When acknowledged records are on disk.
///
/// Written `always`, `interval(5ms)`, `interval` (with the default interval) or `os`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// Before the acknowledgement: what was acknowledged survives a power cut.
    Always,
    /// At least this often: a power cut may take what was acknowledged since. `None` is the default interval.
    Interval(Option<TimeSpan>),
    /// When the operating system likes: a crash of the process loses nothing, one of the machine may.
    Os,
}

impl fmt::Display for Flush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Interval(None) => f.write_str("interval"),
            Self::Interval(Some(span)) => write!(f, "interval({span})"),
            Self::Os => f.write_str("os"),
        }
    }
}

impl FromStr for Flush {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "always" => Ok(Self::Always),
            "os" => Ok(Self::Os),
            "interval" => Ok(Self::Interval(None)),
            other => {
                let span = other
                    .strip_prefix("interval(")
                    .and_then(|rest| rest.strip_suffix(')'));
                let Some(span) = span else {
                    return Err(not_one_of(
                        "flush policy",
                        other,
                        &["always", "interval(5ms)", "os"],
                    ));
                };
                let span: TimeSpan = span.parse()?;
                if !(1..=60_000).contains(&span.ms()) {
                    return Err(format!(
                        "`{other}` is out of range: the interval may be 1ms to 60s"
                    ));
                }
                Ok(Self::Interval(Some(span)))
            }
        }
    }
}

/// Whether and how the records of a topic are compressed at rest.
///
/// Written `producer`, `none`, `gzip`, `snappy`, `lz4` or `zstd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As the producer sent them.
    Producer,
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Producer, "producer"),
        (Self::None, "none"),
        (Self::Gzip, "gzip"),
        (Self::Snappy, "snappy"),
        (Self::Lz4, "lz4"),
        (Self::Zstd, "zstd"),
    ];
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::ALL, *self))
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Kafka's own word for none.
        let text = if text.trim() == "uncompressed" {
            "none"
        } else {
            text.trim()
        };
        one_of("compression", text, &Self::ALL)
    }
}

/// Which time a record carries. Written as Kafka does: `CreateTime` or `LogAppendTime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The time the producer gave.
    CreateTime,
    /// The time the broker appended it.
    LogAppendTime,
}

impl TimestampType {
    const ALL: [(Self, &'static str); 2] = [
        (Self::CreateTime, "CreateTime"),
        (Self::LogAppendTime, "LogAppendTime"),
    ];
}

impl fmt::Display for TimestampType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::ALL, *self))
    }
}

impl FromStr for TimestampType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        one_of("timestamp type", text.trim(), &Self::ALL)
    }
}

fn name_of<T: PartialEq>(all: &[(T, &'static str)], value: T) -> &'static str {
    all.iter()
        .find(|(one, _)| *one == value)
        .map_or("", |(_, name)| name)
}

fn one_of<T: Copy>(what: &str, text: &str, all: &[(T, &'static str)]) -> Result<T, String> {
    match all.iter().find(|(_, name)| *name == text) {
        Some((value, _)) => Ok(*value),
        None => Err(not_one_of(
            what,
            text,
            &all.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
        )),
    }
}

pub(crate) fn not_one_of(what: &str, text: &str, all: &[&str]) -> String {
    let text = text.escape_debug().to_string();
    match nearest(&text, all.iter().copied()) {
        Some(near) => format!("`{text}` is not a {what}: did you mean `{near}`?"),
        None => format!("`{text}` is not a {what}: use {}", all.join(", ")),
    }
}

/// Serde as the printed text.
macro_rules! serde_as_text {
    ($($kind:ty: $expecting:literal),* $(,)?) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $kind;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$kind, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }
    )*};
}

serde_as_text! {
    Flush: "always, interval(5ms) or os",
    Compression: "producer, none, gzip, snappy, lz4 or zstd",
    TimestampType: "CreateTime or LogAppendTime",
}
