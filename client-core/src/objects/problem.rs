//! From HTTP failures and problem documents (RFC 9457) to errors.

use serde_json::Value;

use crate::error::{Error, ErrorKind};

/// No answer came, or it broke off.
pub(super) fn unreachable(error: reqwest::Error, what: &str, url: &str) -> Error {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let mend = if error.is_connect() || error.is_timeout() {
        "Check that the server runs"
    } else {
        "Check that this is the server's HTTP port (8092 by default), not Kafka's"
    };
    let message = format!("{what}: the control plane at {url} did not answer ({cause}). {mend}");
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
    let title = problem.get("title").and_then(Value::as_str);
    let named = title.and_then(kind_of_name);
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
    let errors = problem.get("errors").and_then(Value::as_array);
    for line in errors.into_iter().flatten().map(line) {
        // A single error often is the whole detail already.
        if !message.contains(&line) {
            message.push_str("\n  ");
            message.push_str(&line);
        }
    }
    message
}

/// One error: where in which document, and what.
fn line(error: &Value) -> String {
    let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let field = match part("field") {
        "" => part("pointer"),
        field => field,
    };
    let object = match (part("kind"), part("name")) {
        ("", _) => String::new(),
        (kind, "") => format!(" ({kind})"),
        (kind, name) => format!(" ({kind} `{name}`)"),
    };
    let document = error.get("document").and_then(Value::as_u64);
    let document = document
        .map(|number| format!("document {number}{object}"))
        .unwrap_or_default();
    let parts = [document.as_str(), field, part("detail")];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(": ")
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

    #[tokio::test]
    async fn the_kind_is_the_one_that_the_server_names() {
        // The status alone would make it NotFound.
        let answer = "HTTP/1.1 410 Gone\r\ncontent-length: 41\r\n\r\n{\"title\": \"OutOfRange\", \"detail\": \"gone\"}";
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serve = async {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let objects = crate::Objects::new(&url).unwrap();
        let (refused, ()) = tokio::join!(objects.list("topics"), serve);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::OutOfRange);
    }

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
        let problem = serde_json::json!({
            "detail": "2 documents are wrong; the first: document 1 (Topic `a`): spec: no",
            "errors": [
                {"document": 1, "kind": "Topic", "name": "a", "field": "spec", "detail": "no"},
                {"document": 2, "kind": "Topic", "field": "metadata.name", "detail": "missing"},
            ],
        });
        assert_eq!(
            describe(&problem, 400),
            "2 documents are wrong; the first: document 1 (Topic `a`): spec: no\n  document 2 (Topic): metadata.name: missing"
        );
        assert_eq!(describe(&Value::Null, 502), "the server answered HTTP status 502");
        assert_eq!(kind_of_status(412), ErrorKind::Conflict);
    }
}
