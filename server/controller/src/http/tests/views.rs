//! `/v1/views`, and what SmartModules and views mean to each other and to topics.

use super::*;
use testing::wasm;

const SHOP: &str = "
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: loud}
spec: {source: big, transforms: [{module: keep, params: {text: b}}]}
---
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: big}
spec: {source: orders, transforms: [{module: keep, params: {text: a}}]}
---
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {name: orders}
spec: {partitions: 2, ingest: {transforms: [{module: keep, onError: deadLetter}]}}
---
apiVersion: tidemill.dev/v1
kind: SmartModule
metadata: {name: keep}
spec: {description: keeps some, limits: {memory: 16MiB}}
";

async fn with_keep() -> Server {
    let server = Server::start();
    let loaded = server
        .call("PUT", "/v1/smartmodules/keep/wasm", wasm("filter", 1))
        .await;
    assert_eq!(loaded.status, StatusCode::CREATED, "{}", loaded.body);
    server
}

#[tokio::test]
async fn documents_that_need_each_other_are_applied_in_any_order() {
    let server = with_keep().await;
    let plan = server.call("POST", "/v1/apply?dryRun=true", SHOP).await;
    assert_eq!(
        plan.body["summary"],
        json!({"created": 3, "updated": 1, "unchanged": 0}),
        "{}",
        plan.body
    );
    let results = plan.body["results"].as_array().unwrap();
    let names: Vec<_> = results
        .iter()
        .map(|result| result["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["loud", "big", "orders", "keep"],
        "in the order of the documents"
    );
    let applied = server.call("POST", "/v1/apply", SHOP).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.body);
    let status = &applied.body["results"][0]["object"]["status"];
    assert_eq!(
        (
            &status["sourceTopic"],
            status["transforms"].as_array().unwrap().len()
        ),
        (&json!("orders"), 2)
    );
    let again = server.call("POST", "/v1/apply", SHOP).await;
    assert_eq!(again.body["summary"]["unchanged"], 4, "{}", again.body);
    let image = server.metadata.image();
    assert_eq!(image.view("loud").unwrap().chain[1].params["text"], "b");
    assert_eq!(image.topic("orders").unwrap().ingest.len(), 1);
}

#[tokio::test]
async fn a_document_that_cannot_work_is_named_and_nothing_is_applied() {
    let server = with_keep().await;
    for (from, to, document, field, hint) in [
        (
            "module: keep, params: {text: b}",
            "module: kep",
            1,
            "spec.transforms[0].module",
            "did you mean `keep`",
        ),
        ("source: orders", "source: loud", 1, "spec.source", "in a circle"),
        (
            "source: orders",
            "source: ordres",
            2,
            "spec.source",
            "did you mean `orders`",
        ),
        (
            "memory: 16MiB",
            "memory: 16",
            4,
            "spec.limits.memory",
            "64KiB to 4GiB",
        ),
        (
            "{text: a}",
            "{txet: a}",
            2,
            "spec.transforms[0].params.txet",
            "did you mean `text`",
        ),
    ] {
        let answer = server.call("POST", "/v1/apply", SHOP.replace(from, to)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        let error = &answer.body["errors"][0];
        assert_eq!(
            (&error["document"], &error["field"]),
            (&json!(document), &json!(field)),
            "{}",
            answer.body
        );
        assert!(
            error["detail"].as_str().unwrap().contains(hint),
            "{}",
            answer.body
        );
    }
    assert_eq!(server.metadata.image().topic_count(), 0);
}

#[tokio::test]
async fn what_is_in_use_stays_and_its_users_are_named() {
    let server = with_keep().await;
    server.call("POST", "/v1/apply", SHOP).await;
    for (path, users) in [
        ("/v1/smartmodules/keep", "Topic/orders, View/big, View/loud"),
        ("/v1/topics/orders", "View/big"),
        ("/v1/views/big", "View/loud"),
    ] {
        let answer = server.call("DELETE", path, "").await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
        assert!(
            answer.body["detail"].as_str().unwrap().contains(users),
            "{}",
            answer.body
        );
    }
    let broken = server
        .call("PUT", "/v1/smartmodules/keep/wasm", wasm("aggregate", 1))
        .await;
    assert_eq!(broken.status, StatusCode::PRECONDITION_FAILED, "{}", broken.body);
    assert!(
        broken.body["detail"]
            .as_str()
            .unwrap()
            .contains("Topic/orders uses SmartModule `keep`")
    );
    for path in [
        "/v1/views/loud",
        "/v1/views/big",
        "/v1/topics/orders",
        "/v1/smartmodules/keep",
    ] {
        assert_eq!(
            server.call("DELETE", path, "").await.status,
            StatusCode::NO_CONTENT,
            "{path}"
        );
    }
}

#[tokio::test]
async fn views_are_written_read_and_watched_as_topics_are() {
    let server = with_keep().await;
    server.create("orders", 2).await;
    let spec = json!({"spec": {"source": "orders"}, "metadata": {"labels": {"team": "shop"}}}).to_string();
    let made = server.call("PUT", "/v1/views/big", spec.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(
        server.call("PUT", "/v1/views/big", spec).await.etag,
        made.etag,
        "nothing changed"
    );
    let listed = server
        .call("GET", "/v1/views?labelSelector=team%3Dshop", "")
        .await;
    assert_eq!(listed.body["items"][0]["metadata"]["name"], "big");
    let patch = json!({"spec": {"transforms": [{"module": "keep"}]}}).to_string();
    let changed = server.call("PATCH", "/v1/views/big", patch).await;
    assert_eq!(changed.body["metadata"]["generation"], 2);
    let stale = [("if-match", made.etag.as_str())];
    let refused = server.call_with("DELETE", "/v1/views/big", &stale, "").await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    let missing = server.call("GET", "/v1/views/bgi", "").await;
    assert!(
        missing.body["mend"]
            .as_str()
            .unwrap()
            .contains("did you mean `big`"),
        "{}",
        missing.body
    );
    let topic = server.call("PUT", "/v1/topics/big", "{}").await;
    assert_eq!(topic.status, StatusCode::CONFLICT, "{}", topic.body);

    let path = format!(
        "/v1/views?watch=true&resourceVersion={}",
        made.body["metadata"]["resourceVersion"].as_str().unwrap()
    );
    let response = server
        .send(Request::get(&path).body(Body::empty()).unwrap())
        .await;
    let mut events = response.into_body().into_data_stream();
    let event = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(
        event.contains("event: updated") && event.contains("\"name\":\"big\""),
        "{event}"
    );
}

#[tokio::test]
async fn a_lease_is_renewed() {
    let server = with_keep().await;
    server.create("orders", 1).await;
    server
        .call("PUT", "/v1/views/stays", r#"{"spec": {"source": "orders"}}"#)
        .await;
    server
        .call(
            "PUT",
            "/v1/views/brief",
            r#"{"spec": {"source": "orders", "lease": "1m"}}"#,
        )
        .await;
    let before = server.metadata.image().view("brief").unwrap().renewed_at_ms;
    let renewed = server.call("POST", "/v1/views/brief:renew", "").await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
    assert!(server.metadata.image().view("brief").unwrap().renewed_at_ms >= before);
    for (path, status, hint) in [
        ("/v1/views/stays:renew", 400, "has no lease"),
        ("/v1/views/breif:renew", 404, "did you mean `brief`"),
        ("/v1/views/brief:explode", 404, "cannot `explode`"),
        ("/v1/views/brief", 405, "does not take POST"),
    ] {
        let answer = server.call("POST", path, "").await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert!(
            answer.body["detail"].as_str().unwrap().contains(hint),
            "{}",
            answer.body
        );
    }
}
