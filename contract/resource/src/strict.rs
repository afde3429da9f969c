//! Reading typed values from documents so that every error names the field, shows the value and gives the mend.
//!
//! Any `serde` type can be read: the work is done by a deserializer that keeps track of where it is.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use crate::suggest::nearest;

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where it is, such as `spec.retention.time`. Empty for the document itself.
    pub path: String,
    /// What was found there, as JSON, if it is short enough to show.
    pub value: Option<String>,
    /// What is wrong with it, and the mend.
    pub message: String,
}

impl FieldError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            value: None,
            message: message.into(),
        }
    }

    /// The same error, one step further from the root.
    fn under(mut self, step: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => step.to_owned(),
            rest if rest.starts_with('[') => format!("{step}{rest}"),
            rest => format!("{step}.{rest}"),
        };
        self
    }

    fn showing(mut self, value: &Value) -> Self {
        let text = value.to_string();
        if self.value.is_none() && self.path.is_empty() && text.len() <= 80 {
            self.value = Some(text);
        }
        self
    }
}

impl Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl std::error::Error for FieldError {}

impl de::Error for FieldError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new("", message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(
            "",
            format!("expected {}, found {found}", plain(&expected.to_string())),
        )
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(
            "",
            format!("expected {}, found {found}", plain(&expected.to_string())),
        )
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let message = match nearest(field, known.iter().copied()) {
            Some(near) => format!("unknown field: did you mean `{near}`?"),
            None => format!("unknown field: the fields here are {}", known.join(", ")),
        };
        Self::new(step(field), message)
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        let variant = variant.escape_debug().to_string();
        let message = match nearest(&variant, known.iter().copied()) {
            Some(near) => format!("`{variant}` is not known: did you mean `{near}`?"),
            None => format!("`{variant}` is not known: use {}", known.join(", ")),
        };
        Self::new("", message)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(field, "the field is missing: add it")
    }
}

/// Rust's names of types in words for people who do not write Rust.
fn plain(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a map" => "key-value pairs".to_owned(),
        "a sequence" => "a list".to_owned(),
        other if other.starts_with("struct ") => "an object with fields".to_owned(),
        other => other.to_owned(),
    }
}

/// A key as one step of a path.
pub(crate) fn step(key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if plain {
        key.to_owned()
    } else {
        format!("[{key:?}]")
    }
}

/// Reads a typed value.
///
/// # Errors
/// The first field that is wrong.
pub fn from_value<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, FieldError> {
    T::deserialize(Node(value))
}

struct Node<'de>(&'de Value);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = FieldError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        let result = match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Object(fields) => visitor.visit_map(Fields {
                fields: fields.iter(),
                current: None,
            }),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => visitor.visit_u64(whole),
                (None, Some(whole)) => visitor.visit_i64(whole),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
        };
        result.map_err(|error| error.showing(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// Serde would also read a struct from a list of its fields in order, which no document means.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        match self.0 {
            Value::Array(_) => Err(FieldError::new(
                "",
                "expected an object with fields, found a list",
            )),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        let result = match self.0 {
            Value::String(text) => {
                let variant: StrDeserializer<'_, FieldError> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            _ => Err(FieldError::new("", "expected one word")),
        };
        result.map_err(|error| error.showing(self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'de> {
    items: &'de [Value],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = FieldError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, FieldError> {
        let index = self.next;
        let Some(item) = self.items.get(index) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(Node(item))
            .map(Some)
            .map_err(|error| error.under(&format!("[{index}]")))
    }
}

struct Fields<'de> {
    fields: serde_json::map::Iter<'de>,
    current: Option<(&'de String, &'de Value)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = FieldError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FieldError> {
        self.current = self.fields.next();
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, FieldError> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, FieldError> {
        match self.current.take() {
            Some((key, value)) => seed
                .deserialize(Node(value))
                .map_err(|error| error.under(&step(key))),
            None => Err(FieldError::new("", "a value without a key")),
        }
    }
}

/// Reads key-value pairs whose values may be written without quotes, such as `min.insync.replicas: 1`.
pub(crate) fn scalars<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<std::collections::BTreeMap<String, String>, D::Error> {
    let pairs: Map<String, Value> = Deserialize::deserialize(deserializer)?;
    let text = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Number(number) => Ok((key, number.to_string())),
        Value::Bool(flag) => Ok((key, flag.to_string())),
        _ => Err(de::Error::custom(format!(
            "the value of `{key}` is not a word or number: write one"
        ))),
    };
    pairs.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::TopicSpec;

    fn error(value: &Value) -> (String, String) {
        let error = from_value::<TopicSpec>(value).unwrap_err();
        (error.path, error.message)
    }

    #[test]
    fn errors_name_the_path_and_the_mend() {
        let (path, message) = error(&json!({"retention": {"time": "7 fortnights"}}));
        assert_eq!(path, "retention.time");
        assert!(
            message.contains("`7 fortnights`") && message.contains("such as 7d"),
            "{message}"
        );
        let (path, message) = error(&json!({"retension": {}}));
        assert_eq!(
            (path.as_str(), message.as_str()),
            ("retension", "unknown field: did you mean `retention`?")
        );
        let (path, message) = error(&json!({"retention": {"size": 1}}));
        assert_eq!(path, "retention.size");
        assert!(message.contains("time, bytes"), "{message}");
        assert_eq!(error(&json!({"partitions": -1})).0, "partitions");
        assert_eq!(error(&json!({"partitions": "three"})).0, "partitions");
        assert_eq!(error(&json!({"cleanup": ["delete", 3]})).0, "cleanup[1]");
        assert_eq!(error(&json!({"flush": "interval(1h)"})).0, "flush");
        assert_eq!(error(&json!([])).0, "");
    }

    #[test]
    fn the_value_at_fault_is_shown() {
        let error = from_value::<TopicSpec>(&json!({"partitions": 1.5})).unwrap_err();
        assert_eq!(error.value.as_deref(), Some("1.5"));
    }

    #[test]
    fn configs_may_be_written_without_quotes() {
        let spec: TopicSpec =
            from_value(&json!({"config": {"min.insync.replicas": 1, "preallocate": false}})).unwrap();
        assert_eq!(
            spec.config.get("min.insync.replicas").map(String::as_str),
            Some("1")
        );
        assert_eq!(error(&json!({"config": {"flush.ms": []}})).0, "config");
    }
}
