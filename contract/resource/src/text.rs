//! From text to values: YAML or JSON, bounded in depth and in what aliases may blow it up to.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What all aliases of a text may expand to. Real documents use few; a "billion laughs" wants all there is.
const ALIAS_EVENTS: usize = 20_000;

/// Every document of a text; an empty one may be left out, or null.
///
/// # Errors
/// A sentence: what is wrong where, and the mend.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    match json(text) {
        Some(documents) => documents,
        None => yaml(text),
    }
}

/// JSON is nearly YAML; reading it as what it is keeps its escapes and tabs right. `None` when it is not JSON.
fn json(text: &str) -> Option<Result<Vec<Value>, String>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let documents: Result<Vec<Strict>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    match documents {
        Ok(documents) => Some(Ok(documents.into_iter().map(|strict| strict.0).collect())),
        Err(error) if error.is_data() => Some(Err(error.to_string())),
        Err(_) => None,
    }
}

fn yaml(text: &str) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIAS_EVENTS },
    };
    serde_saphyr::from_multiple_with_options::<Value>(text, options).map_err(|error| explain(&error))
}

fn explain(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    let place = match error.location() {
        Some(at) => format!("line {} column {}", at.line(), at.column()),
        None => "the text".to_owned(),
    };
    let mut inner = error;
    while let Error::WithSnippet { error, .. } | Error::AliasError { error, .. } = inner {
        inner = error;
    }
    match inner {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("").escape_debug().to_string();
            format!("{place}: the field `{key}` is given twice: keep one of them")
        }
        Error::Budget { breach, .. } => {
            format!(
                "{place}: the text is nested too deep or holds too much ({breach:?}): send less at a time"
            )
        }
        Error::AliasReplayLimitExceeded { .. } => {
            format!("{place}: the aliases of the text stand for too much: write it out")
        }
        _ => format!("the text is neither YAML nor JSON: {error}"),
    }
}

/// A JSON value in which no object has a field twice: of two, which one counts is anybody's guess.
struct Strict(Value);

impl<'de> de::Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> DeserializeSeed<'de> for StrictVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(StrictVisitor)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                let name = name.escape_debug();
                return Err(de::Error::custom(format!(
                    "the field `{name}` is given twice: keep one of them"
                )));
            }
            object.insert(name, fields.next_value_seed(StrictVisitor)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::documents;

    #[test]
    fn json_is_read_as_json_and_the_rest_as_yaml() {
        let expected = json!({"a": [1, -2, 0.5, true, null, "\t\u{e9}"], "b": {"c": {}}});
        assert_eq!(documents(&expected.to_string()).unwrap(), [expected]);
        assert_eq!(
            documents("{\"a\": 1}\n[2]").unwrap(),
            [json!({"a": 1}), json!([2])]
        );
        assert_eq!(documents("{a: 1}").unwrap(), [json!({"a": 1})]);
        assert_eq!(documents("a: 1\n---\n---\nb: 2").unwrap().len(), 2);
    }

    #[test]
    fn a_field_given_twice_is_refused_in_both_languages() {
        for text in ["{\"spec\": {\"a\": 1, \"a\": 2}}", "spec:\n  a: 1\n  a: 2\n"] {
            let error = documents(text).unwrap_err();
            assert!(error.contains("the field `a` is given twice"), "{error}");
        }
    }

    #[test]
    fn depth_and_aliases_are_bounded() {
        for deep in [
            "[".repeat(200_000),
            "{\"a\":".repeat(100_000),
            "- ".repeat(100_000),
        ] {
            documents(&deep).unwrap_err();
        }
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let before = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{before}]\n");
        }
        let error = documents(&bomb).unwrap_err();
        assert!(error.contains("aliases"), "{error}");
        let few = "base: &b {partitions: 3}\none: *b\ntwo: *b\n";
        assert_eq!(documents(few).unwrap()[0]["two"]["partitions"], 3);
    }
}
