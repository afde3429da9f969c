//! Typed parameters.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The parameters of a module: a struct that derives this. Its fields are `String`, `i64`, `f64`, `bool`,
/// `Vec<String>`, `serde_json::Value`, or an `Option` of one; their doc comments are shown to users, and
/// `#[param(default = ...)]` gives a value for when none is given.
pub trait Params: Sized {
    /// What there is.
    const INFO: &'static [ParamInfo];

    /// From the values that were given. The server has checked them against [`Params::INFO`].
    ///
    /// # Errors
    /// One is missing or of the wrong type.
    fn from_json(values: &Map<String, Value>) -> Result<Self>;
}

/// One parameter, for the module's description.
#[derive(Clone, Copy, Debug)]
pub struct ParamInfo {
    /// Its name.
    pub name: &'static str,
    /// `string`, `integer`, `number`, `boolean`, `stringList` or `json`.
    pub kind: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Its value when it is not given, as JSON.
    pub default: Option<&'static str>,
    /// What it is for.
    pub description: &'static str,
}

/// No parameters.
#[derive(Clone, Copy, Debug)]
pub struct NoParams;

impl Params for NoParams {
    const INFO: &'static [ParamInfo] = &[];

    fn from_json(_values: &Map<String, Value>) -> Result<NoParams> {
        Ok(NoParams)
    }
}

/// A type that a parameter may have.
pub trait ParamValue: Sized {
    /// Its name in the description.
    const KIND: &'static str;
    /// Whether it must be given.
    const REQUIRED: bool = true;

    /// From a value; `None` when there is none.
    ///
    /// # Errors
    /// It is missing or of the wrong type.
    fn from_value(name: &str, value: Option<&Value>) -> Result<Self>;
}

fn wrong(name: &str, what: &str, value: Option<&Value>) -> Error {
    match value {
        Some(value) => Error::new(format!("parameter `{name}` must be {what}, not {value}")),
        None => Error::new(format!("parameter `{name}` is missing; it is {what}")),
    }
}

macro_rules! param_value {
    ($type:ty, $kind:literal, $what:literal, $read:expr) => {
        impl ParamValue for $type {
            const KIND: &'static str = $kind;

            fn from_value(name: &str, value: Option<&Value>) -> Result<Self> {
                let read: fn(&Value) -> Option<$type> = $read;
                value
                    .and_then(read)
                    .ok_or_else(|| wrong(name, $what, value))
            }
        }
    };
}

param_value!(String, "string", "a string", |value| value
    .as_str()
    .map(str::to_owned));
param_value!(i64, "integer", "a whole number", Value::as_i64);
param_value!(f64, "number", "a number", Value::as_f64);
param_value!(bool, "boolean", "true or false", Value::as_bool);
param_value!(Value, "json", "JSON", |value| Some(value.clone()));
param_value!(Vec<String>, "stringList", "a list of strings", |value| {
    value
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
});

impl<T: ParamValue> ParamValue for Option<T> {
    const KIND: &'static str = T::KIND;
    const REQUIRED: bool = false;

    fn from_value(name: &str, value: Option<&Value>) -> Result<Self> {
        match value {
            None | Some(Value::Null) => Ok(None),
            some => T::from_value(name, some).map(Some),
        }
    }
}
