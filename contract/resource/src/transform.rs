//! Transforms: SmartModules as they are attached to a topic's ingest or a view.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use utoipa::ToSchema;

use crate::digest::{ModuleDigest, check_digest_prefix};
use crate::span::TimeSpan;
use crate::strict::FieldError;

/// One SmartModule of a chain, and how it is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transform {
    /// Name of the SmartModule.
    pub module: String,
    /// The version to run: its digest, or the beginning of it. The module's current version when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sha256:9f86d081884c")]
    pub version: Option<String>,
    /// Parameters by name, as the module describes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub params: BTreeMap<String, Value>,
    /// Which older records a module sees first that remembers what went by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_back: Option<LookBack>,
    /// What happens to a record that the module fails.
    #[serde(default, skip_serializing_if = "OnError::is_default")]
    pub on_error: OnError,
}

/// What happens to a record that a module fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// The stream stops with the error.
    #[default]
    Fail,
    /// The record is left out.
    Skip,
    /// The record goes on as it came to this transform.
    Pass,
    /// The record is put aside, as it came to the chain.
    DeadLetter,
}

impl OnError {
    fn is_default(&self) -> bool {
        *self == Self::Fail
    }
}

/// Which older records a module sees first: the last so many, or those of the last while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LookBackFields", into = "LookBackFields")]
pub enum LookBack {
    /// So many records.
    Last(u64),
    /// Those whose timestamps are at most this much older than the newest record's.
    Window(TimeSpan),
}

/// A [`LookBack`] as it is written: exactly one of the two.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LookBack)]
pub struct LookBackFields {
    /// So many records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u64>,
    /// Those of so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10m")]
    window: Option<TimeSpan>,
}

impl TryFrom<LookBackFields> for LookBack {
    type Error = &'static str;

    fn try_from(fields: LookBackFields) -> Result<Self, Self::Error> {
        match (fields.last, fields.window) {
            (Some(last), None) => Ok(Self::Last(last)),
            (None, Some(window)) => Ok(Self::Window(window)),
            _ => Err("how far to look back is not clear: write either last: 1000 or window: 10m"),
        }
    }
}

impl From<LookBack> for LookBackFields {
    fn from(look_back: LookBack) -> Self {
        let (last, window) = match look_back {
            LookBack::Last(last) => (Some(last), None),
            LookBack::Window(window) => (None, Some(window)),
        };
        Self { last, window }
    }
}

impl utoipa::PartialSchema for LookBack {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        LookBackFields::schema()
    }
}

impl ToSchema for LookBack {}

/// A transform in use: which version runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachedModule {
    /// Name of the SmartModule.
    pub module: String,
    /// Its version that runs.
    #[schema(value_type = String, example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: ModuleDigest,
}

/// What happens to records before a topic stores them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ingest {
    /// The chain, in order.
    pub transforms: Vec<Transform>,
}

/// Leaves out records that were there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dedup {
    /// How long a record is remembered.
    #[schema(value_type = String, example = "10m")]
    pub window: TimeSpan,
    /// What makes two records the same: `key` (default), `value`, or `header:NAME`.
    #[serde(default, skip_serializing_if = "DedupBy::is_default")]
    #[schema(value_type = Option<String>, example = "header:id", pattern = "^(key|value|header:.+)$")]
    pub by: DedupBy,
}

/// What makes two records the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DedupBy {
    /// Their keys. A record without a key is never the same as another.
    #[default]
    Key,
    /// Their values.
    Value,
    /// The values of their headers of this name. A record without it is never the same as another.
    Header(String),
}

impl DedupBy {
    fn is_default(&self) -> bool {
        *self == Self::Key
    }
}

impl fmt::Display for DedupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("key"),
            Self::Value => f.write_str("value"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl FromStr for DedupBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("header:")) {
            ("key", _) => Ok(Self::Key),
            ("value", _) => Ok(Self::Value),
            (_, Some(name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            _ => Err(format!(
                "`{}` is no part of a record: use key, value or header:NAME",
                text.escape_debug()
            )),
        }
    }
}

impl Serialize for DedupBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DedupBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Most transforms of one chain.
pub const MAX_TRANSFORMS: usize = 64;
/// Longest time that records are remembered for, in milliseconds: what is remembered is kept in memory.
const MAX_WINDOW_MS: i64 = 7 * 86_400_000;

/// Checks what can be known of a chain without knowing its modules. `field` is where it is, such as `spec.transforms`.
///
/// # Errors
/// The first field that is wrong.
pub fn check_transforms(transforms: &[Transform], field: &str) -> Result<(), FieldError> {
    if transforms.len() > MAX_TRANSFORMS {
        let message = format!(
            "there are {} transforms: use at most {MAX_TRANSFORMS}",
            transforms.len()
        );
        return Err(FieldError::new(field, message));
    }
    for (at, transform) in transforms.iter().enumerate() {
        let wrong = |name: &str, message: String| FieldError::new(format!("{field}[{at}].{name}"), message);
        if transform.module.is_empty() {
            return Err(wrong("module", "it is empty: name a SmartModule".to_owned()));
        }
        if let Some(version) = &transform.version {
            check_digest_prefix(version).map_err(|message| wrong("version", message))?;
        }
        match transform.look_back {
            Some(LookBack::Last(0)) => {
                let message = "0 records are nothing to look back on: write 1 or more, or leave it out";
                return Err(wrong("lookBack.last", message.to_owned()));
            }
            Some(LookBack::Window(window)) => {
                check_window(window).map_err(|message| wrong("lookBack.window", message))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks a span of time that records are remembered for: 1 ms to 7 days.
pub(crate) fn check_window(window: TimeSpan) -> Result<(), String> {
    if (1..=MAX_WINDOW_MS).contains(&window.ms()) {
        return Ok(());
    }
    Err(format!("`{window}` is out of range: use 1ms to 7d"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::strict::from_value;

    fn checked(value: &Value) -> Result<Transform, FieldError> {
        let transform: Transform = from_value(value)?;
        check_transforms(std::slice::from_ref(&transform), "spec.transforms").map(|()| transform)
    }

    #[test]
    fn reads_what_it_prints() {
        for value in [
            json!({"module": "a"}),
            json!({
                "module": "a", "version": "sha256:abcd", "onError": "deadLetter", "lookBack": {"last": 3},
                "params": {"text": "x", "n": 3, "list": ["a"], "deep": {"a": null}},
            }),
            json!({"module": "a", "lookBack": {"window": "10m"}}),
        ] {
            assert_eq!(serde_json::to_value(checked(&value).unwrap()).unwrap(), value);
        }
        let dedup: Dedup = from_value(&json!({"window": "1h", "by": "header:id"})).unwrap();
        assert_eq!(dedup.by, DedupBy::Header("id".to_owned()));
        assert_eq!(
            serde_json::to_value(&dedup).unwrap(),
            json!({"window": "1h", "by": "header:id"})
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_the_mend() {
        for (value, path, hint) in [
            (json!({}), "module", "missing"),
            (
                json!({"module": ""}),
                "spec.transforms[0].module",
                "name a SmartModule",
            ),
            (
                json!({"module": "a", "version": "v2"}),
                "spec.transforms[0].version",
                "digits",
            ),
            (
                json!({"module": "a", "onError": "deadleter"}),
                "onError",
                "did you mean `deadLetter`",
            ),
            (json!({"module": "a", "lookBack": {}}), "lookBack", "either last"),
            (
                json!({"module": "a", "lookBack": {"last": 1, "window": "1s"}}),
                "lookBack",
                "either last",
            ),
            (
                json!({"module": "a", "lookBack": {"lst": 1}}),
                "lookBack.lst",
                "did you mean `last`",
            ),
            (
                json!({"module": "a", "lookBack": {"last": 0}}),
                "spec.transforms[0].lookBack.last",
                "1 or more",
            ),
            (
                json!({"module": "a", "lookBack": {"window": "8d"}}),
                "spec.transforms[0].lookBack.window",
                "7d",
            ),
            (
                json!({"module": "a", "parms": {}}),
                "parms",
                "did you mean `params`",
            ),
        ] {
            let error = checked(&value).unwrap_err();
            assert_eq!(error.path, path, "{value}");
            assert!(error.message.contains(hint), "{value}: {error}");
        }
        assert!(
            from_value::<Dedup>(&json!({"window": "1h", "by": "colour"}))
                .unwrap_err()
                .message
                .contains("header:NAME")
        );
    }
}
