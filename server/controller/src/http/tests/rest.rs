//! Reading and writing single objects.

use super::*;

#[tokio::test]
async fn a_topic_is_put_read_changed_and_deleted() {
    let server = Server::start();
    let made = server.create("orders", 3).await;
    assert_eq!(made.body["metadata"]["generation"], 1);
    let read = server.call("GET", "/v1/topics/orders", "").await;
    assert_eq!((read.status, &read.etag), (StatusCode::OK, &made.etag));
    assert_eq!(
        read.etag,
        format!(
            "\"{}\"",
            read.body["metadata"]["resourceVersion"].as_str().unwrap()
        )
    );
    let patch = r#"{"metadata": {"labels": {"team": "shop"}}, "spec": {"retention": {"time": "48h"}}}"#;
    let patched = server.call("PATCH", "/v1/topics/orders", patch).await;
    assert_eq!(patched.status, StatusCode::OK);
    assert_eq!(patched.body["spec"]["retention"]["time"], "2d");
    assert_eq!(patched.body["spec"]["partitions"], 3);
    assert_eq!(
        server.metadata.image().topic("orders").unwrap().config["retention.ms"],
        "172800000"
    );
    let list = server.call("GET", "/v1/topics", "").await;
    assert_eq!(list.body["kind"], "TopicList");
    assert_eq!(list.body["items"][0]["metadata"]["labels"]["team"], "shop");
    assert_eq!(
        server.call("DELETE", "/v1/topics/orders", "").await.status,
        StatusCode::NO_CONTENT
    );
    let gone = server.call("GET", "/v1/topics/orders", "").await;
    assert_eq!(
        (gone.status, &gone.body["title"]),
        (StatusCode::NOT_FOUND, &json!("NotFound"))
    );
    server.create("orders", 1).await;
}

#[tokio::test]
async fn yaml_is_read_as_well() {
    let server = Server::start();
    let yaml = "apiVersion: tidemill.dev/v1\nkind: Topic\nmetadata: {name: logs}\nspec: {flush: os}\n";
    let answer = server.call("PUT", "/v1/topics/logs", yaml).await;
    assert_eq!(answer.body["spec"]["flush"], "os");
}

#[tokio::test]
async fn a_stale_writer_is_told_so_and_changes_nothing() {
    let server = Server::start();
    let made = server.create("t", 1).await;
    let more = json!({"spec": {"partitions": 2}}).to_string();
    let first = server
        .call_with("PUT", "/v1/topics/t", &[("if-match", &made.etag)], more.clone())
        .await;
    assert_eq!(first.status, StatusCode::OK);
    for method in ["PUT", "PATCH", "DELETE"] {
        let stale = server
            .call_with(
                method,
                "/v1/topics/t",
                &[("if-match", &made.etag)],
                r#"{"spec":{"partitions":9}}"#,
            )
            .await;
        assert_eq!(
            (stale.status, &stale.body["title"]),
            (StatusCode::PRECONDITION_FAILED, &json!("Conflict"))
        );
        assert_eq!(stale.body["field"], "metadata.resourceVersion");
        assert!(
            stale.body["mend"].as_str().unwrap().contains("read it again"),
            "{}",
            stale.body
        );
    }
    assert_eq!(server.metadata.image().topic("t").unwrap().partitions.len(), 2);
    let mut document = made.body;
    document["spec"]["partitions"] = json!(5);
    let edited = server.call("PUT", "/v1/topics/t", document.to_string()).await;
    assert_eq!(
        edited.status,
        StatusCode::PRECONDITION_FAILED,
        "the version in the document counts"
    );
    let patch = json!({"metadata": document["metadata"], "spec": {"partitions": 5}}).to_string();
    let patched = server.call("PATCH", "/v1/topics/t", patch).await;
    assert_eq!(
        (patched.status, &patched.body["title"]),
        (StatusCode::PRECONDITION_FAILED, &json!("Conflict")),
        "so it does in a patch"
    );
    let create_only = server
        .call_with("PUT", "/v1/topics/t", &[("if-none-match", "*")], more.clone())
        .await;
    assert_eq!(create_only.status, StatusCode::PRECONDITION_FAILED);
    let must_exist = server
        .call_with("PUT", "/v1/topics/new", &[("if-match", "*")], more.clone())
        .await;
    assert_eq!(must_exist.status, StatusCode::PRECONDITION_FAILED);
    let nonsense = server
        .call_with("PUT", "/v1/topics/t", &[("if-match", "yesterday")], more)
        .await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_reader_that_is_up_to_date_gets_no_body() {
    let server = Server::start();
    let made = server.create("t", 1).await;
    let again = server
        .call_with("GET", "/v1/topics/t", &[("if-none-match", &made.etag)], "")
        .await;
    assert_eq!(
        (again.status, again.body),
        (StatusCode::NOT_MODIFIED, Value::Null)
    );
}

#[tokio::test]
async fn a_dry_run_answers_and_changes_nothing() {
    let server = Server::start();
    let before = server.metadata.image().version;
    let put = server
        .call(
            "PUT",
            "/v1/topics/t?dryRun=true",
            r#"{"spec": {"partitions": 4}}"#,
        )
        .await;
    assert_eq!(
        (put.status, &put.body["spec"]["partitions"]),
        (StatusCode::CREATED, &json!(4))
    );
    assert_eq!(server.metadata.image().version, before);
    server.create("t", 1).await;
    assert_eq!(
        server.call("DELETE", "/v1/topics/t?dryRun=true", "").await.status,
        StatusCode::NO_CONTENT
    );
    assert!(server.metadata.image().topic("t").is_some());
}

#[tokio::test]
async fn brokers_partitions_and_groups_are_read() {
    let server = Server::start();
    server.create("t-1", 2).await;
    let broker = server.call("GET", "/v1/brokers/1", "").await;
    assert_eq!(broker.body["status"]["partitions"], 2);
    assert_eq!(broker.body["status"]["conditions"][0]["status"], "True");
    let partition = server.call("GET", "/v1/partitions/t-1-1", "").await;
    assert_eq!(partition.body["status"]["highWatermark"], 10);
    assert_eq!(partition.body["spec"]["topic"], "t-1");
    let partitions = server.call("GET", "/v1/partitions?topic=t-1", "").await;
    assert_eq!(partitions.body["items"].as_array().unwrap().len(), 2);
    let group = server.call("GET", "/v1/consumergroups/readers", "").await;
    assert_eq!(group.body["status"]["totalLag"], 7);
    for path in [
        "/v1/brokers/2",
        "/v1/brokers/01",
        "/v1/partitions/t-1-2",
        "/v1/partitions/t-1-01",
        "/v1/partitions/t",
        "/v1/consumergroups/nobody",
        "/v1/partitions?topic=nothing",
    ] {
        assert_eq!(
            server.call("GET", path, "").await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn kinds_that_are_only_read_say_why() {
    let server = Server::start();
    for path in [
        "/v1/brokers/1",
        "/v1/partitions/t-0",
        "/v1/consumergroups/readers",
    ] {
        for method in ["PUT", "PATCH"] {
            let answer = server.call(method, path, "{}").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
            assert!(answer.body["mend"].is_string(), "{}", answer.body);
        }
    }
    assert_eq!(
        server.call("DELETE", "/v1/brokers/1", "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        server.call("DELETE", "/v1/consumergroups/empty", "").await.status,
        StatusCode::NO_CONTENT
    );
    let used = server.call("DELETE", "/v1/consumergroups/readers", "").await;
    assert_eq!(used.status, StatusCode::PRECONDITION_FAILED);
    let missing = server.call("DELETE", "/v1/consumergroups/nobody", "").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_servers_own_topics_are_out_of_sight_and_reach() {
    let server = Server::start();
    server
        .metadata
        .propose(create_command("__consumer_offsets", 9))
        .await
        .unwrap();
    let list = server.call("GET", "/v1/topics", "").await;
    assert_eq!(list.body["items"], json!([]));
    let all = server.call("GET", "/v1/topics?internal=true", "").await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        server
            .call("DELETE", "/v1/topics/__consumer_offsets", "")
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn pages_of_other_sites_cannot_write() {
    let server = Server::start();
    let headers = [("host", "localhost:8092"), ("origin", "https://evil.example")];
    let refused = server.call_with("PUT", "/v1/topics/t", &headers, "{}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let own = [("host", "localhost:8092"), ("origin", "http://localhost:8092")];
    assert_eq!(
        server.call_with("PUT", "/v1/topics/t", &own, "{}").await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let server = Server::start();
    assert_eq!(server.call("GET", "/healthz", "").await.body, "ok\n");
    assert_eq!(server.call("GET", "/readyz", "").await.body["ready"], true);
    assert_eq!(server.call("GET", "/metrics", "").await.body, "# EOF\n");
    assert!(
        server
            .call("GET", "/", "")
            .await
            .body
            .as_str()
            .unwrap()
            .contains("/v1/topics")
    );
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let starting = Server::with_reasons(vec!["logs are being recovered".to_owned()]);
    let response = starting.send(request).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("logs are being recovered"));
}

#[tokio::test]
async fn every_reference_in_the_openapi_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    found.push(target.trim_start_matches('#').to_owned());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let server = Server::start();
    let document = server.call("GET", "/openapi.json", "").await.body;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for target in found {
        assert!(document.pointer(&target).is_some(), "{target} leads nowhere");
    }
    let spec = &document["components"]["schemas"]["TopicSpec"]["properties"];
    for field in [
        "partitions",
        "replicationFactor",
        "retention",
        "cleanup",
        "flush",
        "maxMessageBytes",
        "config",
    ] {
        assert!(spec[field].is_object(), "{field} is not described: {spec}");
    }
}

#[test]
fn the_openapi_document_in_docs_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    #[allow(clippy::disallowed_methods, reason = "tests read files")]
    let checked_in = std::fs::read_to_string(path).unwrap();
    let checked_in: Value = serde_json::from_str(&checked_in).unwrap();
    assert_eq!(checked_in, super::super::openapi(), "run `cargo xtask gen`");
}

#[tokio::test]
async fn every_answer_has_an_etag_that_changes_with_it() {
    let server = Server::start();
    server.create("orders", 1).await;
    for path in [
        "/v1/topics",
        "/v1/topics/orders",
        "/v1/brokers",
        "/v1/brokers/1",
        "/v1/partitions",
        "/v1/partitions/orders-0",
        "/v1/consumergroups",
        "/v1/consumergroups/readers",
    ] {
        let first = server.call("GET", path, "").await;
        assert!(!first.etag.is_empty(), "{path}");
        let list = format!("\"other\", {}", first.etag);
        for known in [first.etag.as_str(), &list, "*"] {
            let again = server
                .call_with("GET", path, &[("If-None-Match", known)], "")
                .await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path} {known}");
            assert_eq!((again.etag, again.body), (first.etag.clone(), Value::Null));
        }
    }
    let before = server.call("GET", "/v1/brokers/1", "").await;
    server.create("more", 2).await;
    let changed = server
        .call_with("GET", "/v1/brokers/1", &[("If-None-Match", &before.etag)], "")
        .await;
    assert_eq!(
        changed.status,
        StatusCode::OK,
        "it leads more partitions than before"
    );
}

#[tokio::test]
async fn topics_are_selected_by_their_labels() {
    let server = Server::start();
    for (name, labels) in [
        ("a", json!({"team": "shop", "tier": "gold"})),
        ("b", json!({"team": "shop"})),
        ("c", json!({})),
    ] {
        let body = json!({"metadata": {"labels": labels}}).to_string();
        server.call("PUT", &format!("/v1/topics/{name}"), body).await;
    }
    for (selector, expected) in [
        ("team%3Dshop", vec!["a", "b"]),
        ("team%3Dshop,!tier", vec!["b"]),
        ("tier%20in%20(gold,silver)", vec!["a"]),
        ("team!%3Dshop", vec!["c"]),
    ] {
        let list = server
            .call("GET", &format!("/v1/topics?labelSelector={selector}"), "")
            .await;
        let items = list.body["items"].as_array().unwrap().clone();
        let names: Vec<_> = items
            .iter()
            .map(|item| item["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{selector}");
    }
    let wrong = server.call("GET", "/v1/topics?labelSelector=a%20b", "").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.body["field"], "labelSelector");
}
