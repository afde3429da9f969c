//! Records as JSON lines. `tidemill consume --format json` writes them, this reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tidemill_resource::nearest;

use super::input::{Draft, Header};
use crate::args::Time;

const FIELDS: [&str; 7] = [
    "key",
    "keyBase64",
    "value",
    "valueBase64",
    "headers",
    "partition",
    "timestamp",
];
/// What `consume` says besides, which says nothing about a record to be.
const IGNORED: [&str; 2] = ["topic", "offset"];

/// Reads one line.
pub(in crate::commands) fn read(line: &[u8]) -> Result<Draft, String> {
    let object: Map<String, Value> = serde_json::from_slice(line)
        .map_err(|error| format!("not a JSON object ({error}); without --json-lines each line is a value"))?;
    let unknown = |name: &&String| !FIELDS.contains(&name.as_str()) && !IGNORED.contains(&name.as_str());
    if let Some(name) = object.keys().find(unknown) {
        return Err(match nearest(name, FIELDS) {
            Some(near) => format!("unknown field {name:?}: did you mean {near:?}?"),
            None => format!("unknown field {name:?}: the fields are {}", FIELDS.join(", ")),
        });
    }
    Ok(Draft {
        key: bytes(&object, "key", "keyBase64")?,
        value: bytes(&object, "value", "valueBase64")?,
        headers: headers(object.get("headers"))?,
        partition: partition(object.get("partition"))?,
        timestamp: timestamp(object.get("timestamp"))?,
        bytes: 0,
    })
}

/// A string as it is, any other value as its JSON text.
fn bytes(object: &Map<String, Value>, plain: &str, encoded: &str) -> Result<Option<Vec<u8>>, String> {
    match (object.get(plain), object.get(encoded)) {
        (Some(plain_value), Some(_)) if !plain_value.is_null() => {
            Err(format!("give {plain} or {encoded}, not both"))
        }
        (_, Some(Value::String(text))) => {
            let decoded = STANDARD.decode(text);
            decoded
                .map(Some)
                .map_err(|error| format!("{encoded} is not base64: {error}"))
        }
        (_, Some(_)) => Err(format!("{encoded} must be a string")),
        (Some(value), None) => Ok(text_of(value)),
        (None, None) => Ok(None),
    }
}

fn text_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone().into_bytes()),
        other => Some(other.to_string().into_bytes()),
    }
}

/// An object; or a list of `{"name", "value" | "valueBase64"}`, where names may repeat.
fn headers(value: Option<&Value>) -> Result<Vec<Header>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(headers)) => Ok(headers
            .iter()
            .map(|(name, value)| (name.clone(), text_of(value)))
            .collect()),
        Some(Value::Array(headers)) => headers.iter().map(header).collect(),
        Some(_) => Err("headers must be an object, or a list of objects with name and value".to_owned()),
    }
}

fn header(value: &Value) -> Result<Header, String> {
    let object = value
        .as_object()
        .ok_or("a header must be an object with name and value")?;
    let name = object
        .get("name")
        .and_then(Value::as_str)
        .ok_or("a header has no name")?;
    Ok((name.to_owned(), bytes(object, "value", "valueBase64")?))
}

fn partition(value: Option<&Value>) -> Result<Option<i32>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
            number
                .filter(|number| *number >= 0)
                .map(Some)
                .ok_or("partition must be a number from 0".to_owned())
        }
    }
}

fn timestamp(value: Option<&Value>) -> Result<Option<i64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(ms)) => ms
            .as_i64()
            .map(Some)
            .ok_or("timestamp must be whole milliseconds since 1970".to_owned()),
        Some(Value::String(text)) => text.parse::<Time>().map(|Time(ms)| Some(ms)),
        Some(_) => Err("timestamp must be milliseconds since 1970, or RFC 3339".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(line: &str) -> Draft {
        read(line.as_bytes()).unwrap()
    }

    #[test]
    fn every_part_is_read() {
        let read = draft(
            r#"{"key":"k","value":{"a":1},"headers":{"h":"x","n":null},"partition":2,"timestamp":5,"offset":9}"#,
        );
        assert_eq!(read.key.as_deref(), Some(&b"k"[..]));
        assert_eq!(read.value.as_deref(), Some(&br#"{"a":1}"#[..]));
        assert_eq!(
            read.headers,
            [("h".to_owned(), Some(b"x".to_vec())), ("n".to_owned(), None)]
        );
        assert_eq!((read.partition, read.timestamp), (Some(2), Some(5)));
    }

    #[test]
    fn no_value_is_a_tombstone_and_bytes_come_as_base64() {
        assert_eq!(draft(r#"{"key":"k","value":null}"#).value, None);
        assert_eq!(draft(r#"{"key":"k"}"#).value, None);
        assert_eq!(draft(r#"{"valueBase64":"/w=="}"#).value, Some(vec![0xff]));
        let headers =
            draft(r#"{"headers":[{"name":"a","valueBase64":"/w=="},{"name":"a","value":""}]}"#).headers;
        assert_eq!(
            headers,
            [
                ("a".to_owned(), Some(vec![0xff])),
                ("a".to_owned(), Some(Vec::new()))
            ]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error = |line: &str| read(line.as_bytes()).unwrap_err();
        assert!(error(r#"{"vlaue":1}"#).contains("did you mean \"value\"?"));
        assert!(error("hello").contains("not a JSON object"));
        assert!(error(r#"{"partition":-1}"#).contains("partition"));
        assert!(error(r#"{"value":"a","valueBase64":"YQ=="}"#).contains("not both"));
    }
}
