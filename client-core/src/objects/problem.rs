//! From HTTP failures and problem documents (RFC 9457) to errors.

use serde_json::Value;

use crate::error::{Error, ErrorKind};

/// No answer came, or it broke off.
pub(super) fn unreachable(error: reqwest::Error, what: &str, url: &str) -> Error {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let message =
        format!("{what}: the control plane at {url} did not answer ({cause}). Check that the server runs");
    let kind = if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Unavailable
    };
    Error::new(kind, message).with_source(error)
}

/// The server refused.
pub(super) async fn refused(response: reqwest::Response, what: &str) -> Error {
    let status = response.status().as_u16();
    let body = response.text().await.unwrap_or_default();
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    let named = problem
        .get("kind")
        .or_else(|| problem.get("code"))
        .and_then(Value::as_str)
        .and_then(kind_of_name);
    let kind = named.unwrap_or_else(|| kind_of_status(status));
    Error::new(kind, format!("{what}: {}", describe(&problem, status)))
}

fn describe(problem: &Value, status: u16) -> String {
    let text = |name: &str| {
        problem
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut message = match (text("title"), text("detail")) {
        (_, Some(detail)) => detail.to_owned(),
        (Some(title), None) => title.to_owned(),
        (None, None) => format!("the server answered HTTP status {status}"),
    };
    for error in problem
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let field = if part("field").is_empty() {
            part("pointer")
        } else {
            part("field")
        };
        message.push_str(&format!("\n  {field}: {}", part("detail")));
    }
    message
}

fn kind_of_name(name: &str) -> Option<ErrorKind> {
    use ErrorKind as K;
    let all = [
        K::InvalidArgument,
        K::NotFound,
        K::AlreadyExists,
        K::Conflict,
        K::Unauthenticated,
        K::Denied,
        K::Timeout,
        K::Unavailable,
        K::TooLarge,
        K::OutOfRange,
        K::Corrupt,
        K::Cancelled,
        K::Internal,
    ];
    all.into_iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(name))
}

fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Denied,
        404 | 410 => ErrorKind::NotFound,
        409 | 412 | 428 => ErrorKind::Conflict,
        408 | 504 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        416 => ErrorKind::OutOfRange,
        429 | 502 | 503 => ErrorKind::Unavailable,
        400..500 => ErrorKind::InvalidArgument,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_names_the_field_and_the_mend() {
        let problem = serde_json::json!({
            "title": "Invalid object", "detail": "topic \"t\" is not valid",
            "errors": [{"field": "spec.partitons", "detail": "unknown field; did you mean partitions?"}],
        });
        let message = describe(&problem, 400);
        assert!(
            message.contains("topic \"t\"") && message.contains("spec.partitons: unknown field"),
            "{message}"
        );
        assert_eq!(describe(&Value::Null, 502), "the server answered HTTP status 502");
        assert_eq!(kind_of_status(412), ErrorKind::Conflict);
    }
}
