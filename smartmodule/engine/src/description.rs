//! What a module says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::SmartModuleError;

/// The only version of the contract so far.
const ABI: u32 = 1;

/// What a module does with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Keeps some records.
    Filter,
    /// Makes one record of each.
    Map,
    /// Makes one record, or none, of each.
    FilterMap,
    /// Makes any number of records of each.
    FlatMap,
    /// Says of each record whether it is good, and if not why.
    Validate,
    /// Folds records into an accumulator.
    Aggregate,
    /// Makes one record, or none, of a left and a right one.
    Join,
}

impl Kind {
    /// Its name in specs and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Filter => "filter",
            Kind::Map => "map",
            Kind::FilterMap => "filter_map",
            Kind::FlatMap => "flat_map",
            Kind::Validate => "validate",
            Kind::Aggregate => "aggregate",
            Kind::Join => "join",
        }
    }
}

/// What a module says of itself: what it does, and which parameters it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Version of the contract that it honours.
    pub abi: u32,
    /// What it does.
    pub kind: Kind,
    /// Its name, as its author gave it.
    #[serde(default)]
    pub name: String,
    /// Its version, as its author gave it.
    #[serde(default)]
    pub version: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The language it was written in.
    #[serde(default)]
    pub language: String,
    /// What it was built with.
    #[serde(default)]
    pub sdk: String,
    /// The parameters it takes.
    #[serde(default)]
    pub params: Vec<Param>,
    /// Whether it can rebuild its state from older records.
    #[serde(default)]
    pub look_back: bool,
    /// What else it says; kept for people.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: ParamType,
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
    #[serde(default)]
    pub description: String,
}

/// What the values of a parameter are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ParamType {
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

impl ParamType {
    /// Its name, with an article, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ParamType::String => "a string",
            ParamType::Integer => "a whole number",
            ParamType::Number => "a number",
            ParamType::Boolean => "true or false",
            ParamType::StringList => "a list of strings",
            ParamType::Json => "JSON",
        }
    }
}

impl Description {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Description, SmartModuleError> {
        let unusable = |what: String| SmartModuleError::Unusable(format!("its description {what}"));
        // The version first: a later contract may describe itself otherwise.
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| unusable(format!("is not JSON: {error}")))?;
        match value.get("abi").and_then(Value::as_u64) {
            Some(abi) if abi == u64::from(ABI) => {}
            Some(abi) => {
                return Err(unusable(format!(
                    "names version {abi} of the contract; this server speaks {ABI}"
                )));
            }
            None => return Err(unusable("names no `abi`".to_owned())),
        }
        let description: Description = serde_json::from_value(value)
            .map_err(|error| unusable(format!("is not as it should be: {error}")))?;
        for (at, param) in description.params.iter().enumerate() {
            if description.params[..at]
                .iter()
                .any(|earlier| earlier.name == param.name)
            {
                return Err(unusable(format!("names the parameter `{}` twice", param.name)));
            }
        }
        Ok(description)
    }
}
