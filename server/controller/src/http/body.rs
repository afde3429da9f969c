//! Reading request bodies: bounded in size and time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use serde_json::Value;
use tidemill_resource::Kind;

use super::Api;
use super::kinds::ErrorKind;
use super::problem::Problem;

/// Largest body of one object.
const ONE_OBJECT: usize = 1 << 20;
/// Largest body of many documents.
const MANY_OBJECTS: usize = 8 << 20;
/// A body that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same of a file, which may be a hundred times as large.
const PATIENCE_WITH_FILES: Duration = Duration::from_secs(300);

/// Reads the text of many documents.
pub(super) async fn text(api: &Api, body: Body) -> Result<String, Problem> {
    read(api, body, MANY_OBJECTS).await
}

/// Reads one JSON or YAML value.
pub(super) async fn value(api: &Api, body: Body) -> Result<Value, Problem> {
    let text = read(api, body, ONE_OBJECT).await?;
    tidemill_resource::document::value(&text)
        .map_err(|message| Problem::new(ErrorKind::InvalidArgument, message))
}

/// Reads a file of at most `limit` bytes.
pub(super) async fn file(api: &Api, body: Body, limit: usize) -> Result<Bytes, Problem> {
    whole(api, body, limit, PATIENCE_WITH_FILES).await
}

async fn read(api: &Api, body: Body, limit: usize) -> Result<String, Problem> {
    let bytes = whole(api, body, limit, PATIENCE).await?;
    String::from_utf8(bytes.into()).map_err(|_| {
        Problem::new(
            ErrorKind::InvalidArgument,
            "the body is not UTF-8: send YAML or JSON as UTF-8",
        )
    })
}

async fn whole(api: &Api, body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    let too_slow = || {
        let seconds = patience.as_secs();
        Problem::new(
            ErrorKind::Timeout,
            format!("the body took more than {seconds} s to arrive: send it faster"),
        )
        .with_status(axum::http::StatusCode::REQUEST_TIMEOUT)
    };
    tokio::select! {
        bytes = to_bytes(body, limit) => bytes.map_err(|_| {
            let message = format!("the body ended early or is larger than {limit} bytes: send less at a time");
            Problem::new(ErrorKind::TooLarge, message)
        }),
        () = api.env.clock.sleep(patience) => Err(too_slow()),
    }
}

/// Fills in what the path says already: an object put to `/v1/topics/orders` need not repeat it.
///
/// # Errors
/// When the body says something else than the path.
pub(super) fn complete(value: &mut Value, kind: Kind, name: &str) -> Result<(), Problem> {
    let Some(fields) = value.as_object_mut() else {
        return Err(Problem::new(
            ErrorKind::InvalidArgument,
            "the body is not an object: send one with spec",
        ));
    };
    fields
        .entry("apiVersion")
        .or_insert_with(|| tidemill_resource::API_VERSION.into());
    if *fields.entry("kind").or_insert_with(|| kind.name().into()) != kind.name() {
        let message = format!("the body is not a {kind}: send it to the path of its kind");
        return Err(Problem::new(ErrorKind::InvalidArgument, message).at("kind"));
    }
    let metadata = fields
        .entry("metadata")
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(metadata) = metadata.as_object_mut()
        && *metadata.entry("name").or_insert_with(|| name.into()) != name
    {
        let message = format!(
            "the name is not that of the path: use `{}` in both",
            name.escape_debug()
        );
        return Err(Problem::new(ErrorKind::InvalidArgument, message).at("metadata.name"));
    }
    Ok(())
}

/// JSON merge patch (RFC 7396).
pub(super) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(&key);
        } else {
            merge(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn merges_as_the_rfc_says() {
        for (target, patch, merged) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (json!([1]), json!({"a": 1}), json!({"a": 1})),
        ] {
            let mut result = target;
            merge(&mut result, patch);
            assert_eq!(result, merged);
        }
    }
}
