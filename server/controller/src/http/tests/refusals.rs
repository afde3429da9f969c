//! Requests that are refused.

use super::*;

/// Method, path, body; then the status, the field at fault, and a part of the detail.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    u16,
    &'static str,
    &'static str,
);

const CASES: &[Case] = &[
    (
        "PUT",
        "/v1/topics/x",
        r#"{"spec": {"partitons": 2}}"#,
        400,
        "spec.partitons",
        "did you mean `partitions`",
    ),
    (
        "PUT",
        "/v1/topics/x",
        r#"{"spec": {"partitions": 0}}"#,
        400,
        "spec.partitions",
        "use 1 to 10000",
    ),
    (
        "PUT",
        "/v1/topics/x",
        r#"{"spec": {"replicationFactor": 3}}"#,
        400,
        "spec.replicationFactor",
        "add brokers",
    ),
    (
        "PUT",
        "/v1/topics/x",
        r#"{"metadata": {"name": "y"}}"#,
        400,
        "metadata.name",
        "use `x` in both",
    ),
    (
        "PUT",
        "/v1/topics/x",
        r#"{"kind": "Broker"}"#,
        400,
        "kind",
        "path of its kind",
    ),
    ("PUT", "/v1/topics/a%20b", "{}", 400, "metadata.name", "use only"),
    (
        "PUT",
        "/v1/topics/t",
        r#"{"spec": {"partitions": 1}}"#,
        400,
        "spec.partitions",
        "cannot shrink",
    ),
    (
        "PUT",
        "/v1/topics/__consumer_offsets",
        "{}",
        403,
        "metadata.name",
        "choose another",
    ),
    (
        "PATCH",
        "/v1/topics/t",
        r#"{"spec": {"flush": "never"}}"#,
        400,
        "spec.flush",
        "use always",
    ),
    ("PATCH", "/v1/topics/x", "{}", 404, "metadata.name", "see GET"),
    (
        "GET",
        "/v1/topics?wach=true",
        "",
        400,
        "wach",
        "did you mean `watch`",
    ),
    (
        "GET",
        "/v1/topics/t?watch=maybe",
        "",
        400,
        "watch",
        "use true or false",
    ),
    (
        "PUT",
        "/v1/topics/x?dryrun=1&dryRun=true",
        "{}",
        400,
        "dryrun",
        "did you mean `dryRun`",
    ),
];

#[tokio::test]
async fn refusals_name_the_field_and_the_mend() {
    let server = Server::start();
    server.create("t", 2).await;
    for (method, path, body, status, field, hint) in CASES {
        let answer = server.call(method, path, *body).await;
        assert_eq!(answer.status.as_u16(), *status, "{path} {body}: {}", answer.body);
        assert_eq!(answer.body["field"], *field, "{path} {body}: {}", answer.body);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(hint), "{path} {body}: {detail}");
    }
    assert_eq!(server.metadata.image().topic_count(), 1);
}

#[tokio::test]
async fn bodies_and_paths_that_make_no_sense_are_refused() {
    let server = Server::start();
    server.create("t", 2).await;
    let nearest = server.call("GET", "/v1/topics/T", "").await;
    assert!(
        nearest.body["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean `t`")
    );
    for (path, status) in [("/v1/topic", 404), ("/nowhere", 404), ("/v1/apply", 405)] {
        assert_eq!(
            server.call("GET", path, "").await.status.as_u16(),
            status,
            "{path}"
        );
    }
    for body in ["", "{", "[1, 2]", "3", "\u{1}"] {
        let answer = server.call("PUT", "/v1/topics/x", body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:?}");
    }
    let binary = server.call("PUT", "/v1/topics/x", vec![0xff, 0xfe]).await;
    assert_eq!(binary.status, StatusCode::BAD_REQUEST);
    let large = server
        .call("PUT", "/v1/topics/x", vec![b' '; (1 << 20) + 1])
        .await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(server.metadata.image().topic_count(), 1);
}

#[tokio::test]
async fn each_kind_says_which_methods_it_takes() {
    let server = Server::start();
    for (path, allow) in [
        ("/v1/topics/x", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/v1/brokers/1", "GET, HEAD, OPTIONS"),
        ("/v1/partitions/x-0", "GET, HEAD, OPTIONS"),
        ("/v1/consumergroups/x", "GET, HEAD, DELETE, OPTIONS"),
        ("/v1/topics", "GET, HEAD, OPTIONS"),
    ] {
        for (method, status) in [
            ("OPTIONS", StatusCode::NO_CONTENT),
            ("POST", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let request = Request::builder().method(method).uri(path);
            let answer = server.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status(), status, "{method} {path}");
            assert_eq!(answer.headers()[header::ALLOW], allow, "{method} {path}");
        }
    }
    let refused = server.call("POST", "/v1/brokers/1", "").await;
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("GET, HEAD, OPTIONS"), "{detail}");
}

#[tokio::test]
async fn a_precondition_that_cannot_be_checked_is_refused() {
    let server = Server::start();
    for name in ["If-Match", "If-None-Match"] {
        let answer = server
            .call_with("DELETE", "/v1/consumergroups/empty", &[(name, "*")], "")
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }
    let weak = server.call("GET", "/v1/brokers/1", "").await.etag;
    server.create("t", 1).await;
    let answer = server
        .call_with("PUT", "/v1/topics/t", &[("If-Match", &weak)], "{}")
        .await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "a weak ETag is no precondition"
    );
}

#[tokio::test]
async fn a_patch_is_an_object_and_a_field_is_given_once() {
    let server = Server::start();
    server.create("t", 1).await;
    for (method, path, body, part) in [
        (
            "PATCH",
            "/v1/topics/t",
            r#"[{"op": "add", "path": "/spec/partitions", "value": 2}]"#,
            "not an object",
        ),
        (
            "PUT",
            "/v1/topics/t",
            r#"{"spec": {"partitions": 1, "partitions": 2}}"#,
            "`partitions` is given twice",
        ),
    ] {
        let answer = server.call(method, path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{detail}");
    }
}

#[tokio::test]
async fn groups_that_are_still_being_read_are_not_said_to_be_missing() {
    let server = Server::with_reasons(vec!["starting".to_owned()]);
    for path in ["/v1/consumergroups", "/v1/consumergroups/readers"] {
        let answer = server.call("GET", path, "").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.body["retriable"], true);
    }
}
