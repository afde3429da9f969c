//! The parameters of SmartModules: what a module says it takes, and whether what is given fits.
//!
//! The engine reads parameters by the same rules; a test that sees both holds them together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use crate::suggest::nearest;

/// One parameter that a module takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleParam {
    /// Its name.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: ModuleParamType,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Its value when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The values it may have; empty for any of its type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// What the values of a parameter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ModuleParamType {
    /// Text.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list of text.
    StringList,
    /// Any JSON.
    Json,
}

impl ModuleParamType {
    /// Its name, with an article, for messages.
    fn with_article(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::StringList => "a list of strings",
            Self::Json => "JSON",
        }
    }
}

/// A parameter that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{}`: {problem}", name.escape_debug())]
pub struct ParamError {
    /// Its name.
    pub name: String,
    /// What is wrong with it, and the mend.
    pub problem: String,
}

/// Checks the parameters that are given against those that a module takes, gives each its type and fills in defaults.
/// Text stands for a value of any type, since command lines know nothing else.
///
/// # Errors
/// The first parameter that is unknown, missing or of the wrong type.
pub fn resolve_params(
    schema: &[ModuleParam],
    given: &BTreeMap<String, Value>,
) -> Result<Map<String, Value>, ParamError> {
    let known = || schema.iter().map(|param| param.name.as_str());
    if let Some(unknown) = given.keys().find(|name| known().all(|known| known != *name)) {
        let problem = match (schema, nearest(unknown, known())) {
            ([], _) => "the module takes no parameters: remove it".to_owned(),
            (_, Some(near)) => format!("the module has no such parameter: did you mean `{near}`?"),
            _ => {
                let known: Vec<&str> = known().collect();
                format!("the module has no such parameter: it takes {}", known.join(", "))
            }
        };
        return Err(error(unknown, problem));
    }
    let mut resolved = Map::new();
    for param in schema {
        match given.get(&param.name).or(param.default.as_ref()) {
            Some(value) => {
                resolved.insert(param.name.clone(), typed(param, value)?);
            }
            None if param.required => {
                let problem = format!("it is missing: give it; it is {}", param.kind.with_article());
                return Err(error(&param.name, problem));
            }
            None => {}
        }
    }
    Ok(resolved)
}

fn error(name: &str, problem: String) -> ParamError {
    ParamError {
        name: name.to_owned(),
        problem,
    }
}

fn typed(param: &ModuleParam, value: &Value) -> Result<Value, ParamError> {
    let Some(typed) = as_type(param.kind, value) else {
        let problem = format!("it must be {}, not {value}", param.kind.with_article());
        return Err(error(&param.name, problem));
    };
    if !param.one_of.is_empty() && !param.one_of.contains(&typed) {
        let allowed: Vec<String> = param.one_of.iter().map(ToString::to_string).collect();
        let problem = format!("it must be one of {}, not {typed}", allowed.join(", "));
        return Err(error(&param.name, problem));
    }
    Ok(typed)
}

/// The value as one of the type, if it can be read as such.
fn as_type(kind: ModuleParamType, value: &Value) -> Option<Value> {
    use ModuleParamType::{Boolean, Integer, Json, Number as Real, String as Text, StringList};
    match (kind, value) {
        (Json, Value::String(text)) => Some(serde_json::from_str(text).unwrap_or_else(|_| value.clone())),
        (Json, _) | (Text, Value::String(_)) | (Boolean, Value::Bool(_)) | (Real, Value::Number(_)) => {
            Some(value.clone())
        }
        (Text, Value::Number(_) | Value::Bool(_)) => Some(Value::String(value.to_string())),
        (Integer, Value::Number(number)) => number.as_i64().map(|_| value.clone()),
        (Integer, Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        (Real, Value::String(text)) => {
            let number = text.trim().parse::<f64>().ok().and_then(Number::from_f64);
            number.map(Value::Number)
        }
        (Boolean, Value::String(text)) => text.trim().parse().ok().map(Value::Bool),
        (StringList, Value::Array(items)) if items.iter().all(Value::is_string) => Some(value.clone()),
        (StringList, Value::String(text)) => {
            Some(text.split(',').map(|item| Value::from(item.trim())).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Vec<ModuleParam> {
        serde_json::from_value(json!([
            {"name": "text", "type": "string", "required": true},
            {"name": "limit", "type": "integer", "default": 10},
            {"name": "share", "type": "number"},
            {"name": "invert", "type": "boolean"},
            {"name": "fields", "type": "stringList"},
            {"name": "rule", "type": "json"},
            {"name": "part", "type": "string", "oneOf": ["key", "value"]},
        ]))
        .unwrap()
    }

    fn resolve(given: &Value) -> Result<Value, String> {
        let given = serde_json::from_value(given.clone()).unwrap();
        resolve_params(&schema(), &given)
            .map(Value::Object)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn text_stands_for_any_type_and_defaults_are_filled_in() {
        let words = json!({
            "text": "x", "share": "0.5", "invert": "true", "fields": "a, b", "rule": "{\"a\": 1}", "part": "key",
        });
        let typed = json!({
            "text": "x", "limit": 10, "share": 0.5, "invert": true, "fields": ["a", "b"], "rule": {"a": 1},
            "part": "key",
        });
        assert_eq!(resolve(&words), Ok(typed.clone()));
        assert_eq!(resolve(&typed), Ok(typed));
        assert_eq!(
            resolve(&json!({"text": 5})),
            Ok(json!({"text": "5", "limit": 10}))
        );
    }

    #[test]
    fn what_does_not_fit_is_named_with_the_mend() {
        for (given, hint) in [
            (json!({}), "`text`: it is missing"),
            (json!({"text": "x", "limt": 1}), "did you mean `limit`?"),
            (json!({"text": "x", "colour": 1}), "it takes text, limit"),
            (
                json!({"text": "x", "limit": "many"}),
                "a whole number, not \"many\"",
            ),
            (json!({"text": "x", "limit": 1.5}), "a whole number"),
            (json!({"text": "x", "share": "NaN"}), "a number"),
            (json!({"text": "x", "invert": 1}), "true or false"),
            (json!({"text": "x", "fields": [1]}), "a list of strings"),
            (json!({"text": ["x"]}), "a string"),
            (json!({"text": "x", "part": "head"}), "one of \"key\", \"value\""),
        ] {
            let error = resolve(&given).unwrap_err();
            assert!(error.contains(hint), "{given}: {error}");
        }
        let none = resolve_params(&[], &BTreeMap::from([("a".to_owned(), json!(1))])).unwrap_err();
        assert!(none.to_string().contains("takes no parameters"), "{none}");
    }
}
