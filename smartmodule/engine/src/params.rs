//! The parameters of an attached module, checked against what the module says it takes.

use serde_json::{Map, Number, Value};

use crate::description::{Description, Param, ParamType};
use crate::error::SmartModuleError;

/// Parameters by name, as in a spec. Text stands for a value of any type, since command lines know nothing else.
pub type Params = Map<String, Value>;

/// Checks `given`, and fills in what was left out.
///
/// # Errors
/// [`SmartModuleError::Parameter`]: unknown, missing, or of the wrong type.
pub(crate) fn resolve(description: &Description, given: &Params) -> Result<Params, SmartModuleError> {
    if let Some(unknown) = given
        .keys()
        .find(|name| !description.params.iter().any(|param| param.name == **name))
    {
        let known: Vec<&str> = description
            .params
            .iter()
            .map(|param| param.name.as_str())
            .collect();
        return Err(problem(
            unknown,
            match known.as_slice() {
                [] => "the module takes no parameters".to_owned(),
                known => format!("the module has no such parameter; it takes {}", known.join(", ")),
            },
        ));
    }
    let mut resolved = Params::new();
    for param in &description.params {
        match given.get(&param.name).or(param.default.as_ref()) {
            Some(value) => {
                resolved.insert(param.name.clone(), typed(param, value)?);
            }
            None if param.required => {
                let kind = param.kind.name();
                return Err(problem(&param.name, format!("is missing; it is {kind}")));
            }
            None => {}
        }
    }
    Ok(resolved)
}

fn problem(name: &str, problem: String) -> SmartModuleError {
    SmartModuleError::Parameter {
        name: name.to_owned(),
        problem,
    }
}

fn typed(param: &Param, value: &Value) -> Result<Value, SmartModuleError> {
    let wrong = || problem(&param.name, format!("must be {}, not {value}", param.kind.name()));
    let typed = match (param.kind, value) {
        (ParamType::Json, Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        (ParamType::Json, value) => value.clone(),
        (ParamType::String, Value::String(_))
        | (ParamType::Boolean, Value::Bool(_))
        | (ParamType::Number, Value::Number(_)) => value.clone(),
        (ParamType::String, Value::Number(_) | Value::Bool(_)) => Value::String(value.to_string()),
        (ParamType::Integer, Value::Number(number)) if number.as_i64().is_some() => value.clone(),
        (ParamType::Integer, Value::String(text)) => {
            Value::Number(text.trim().parse::<i64>().map_err(|_| wrong())?.into())
        }
        (ParamType::Number, Value::String(text)) => {
            let number = text.trim().parse::<f64>().ok().and_then(Number::from_f64);
            Value::Number(number.ok_or_else(wrong)?)
        }
        (ParamType::Boolean, Value::String(text)) => match text.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(wrong()),
        },
        (ParamType::StringList, Value::Array(items)) if items.iter().all(Value::is_string) => value.clone(),
        (ParamType::StringList, Value::String(text)) => Value::Array(
            text.split(',')
                .map(|item| Value::String(item.trim().to_owned()))
                .collect(),
        ),
        _ => return Err(wrong()),
    };
    if !param.one_of.is_empty() && !param.one_of.contains(&typed) {
        let allowed: Vec<String> = param.one_of.iter().map(ToString::to_string).collect();
        return Err(problem(
            &param.name,
            format!("must be one of {}, not {typed}", allowed.join(", ")),
        ));
    }
    Ok(typed)
}
