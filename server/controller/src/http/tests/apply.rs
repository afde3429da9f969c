//! `POST /v1/apply`

use super::*;

const DOCUMENTS: &str = "
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {name: orders}
spec: {partitions: 3, retention: {time: 7d}}
---
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {name: payments}
spec: {cleanup: compact}
";

#[tokio::test]
async fn a_plan_is_exact_and_applying_it_leaves_nothing_to_do() {
    let server = Server::start();
    let plan = server.call("POST", "/v1/apply?dryRun=true", DOCUMENTS).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.body);
    assert_eq!(
        plan.body["summary"],
        json!({"created": 2, "updated": 0, "unchanged": 0})
    );
    assert_eq!(server.metadata.image().topic_count(), 0, "a plan changes nothing");
    let applied = server.call("POST", "/v1/apply", DOCUMENTS).await;
    assert_eq!(applied.body["summary"]["created"], 2);
    assert_eq!(applied.body["results"][1]["object"]["spec"]["cleanup"], "compact");
    let version = server.metadata.image().version;
    let again = server.call("POST", "/v1/apply", DOCUMENTS).await;
    assert_eq!(again.body["summary"]["unchanged"], 2);
    assert_eq!(again.body["results"][0]["changes"], json!([]));
    assert_eq!(server.metadata.image().version, version, "nothing was proposed");
    let edited = DOCUMENTS
        .replace("partitions: 3", "partitions: 6")
        .replace("time: 7d", "bytes: 1GiB");
    let plan = server.call("POST", "/v1/apply?dryRun=true", edited).await;
    assert_eq!(plan.body["results"][0]["action"], "updated");
    assert_eq!(plan.body["results"][1]["action"], "unchanged");
    assert_eq!(
        plan.body["results"][0]["changes"],
        json!([
            {"path": "spec.partitions", "before": 3, "after": 6},
            {"path": "spec.retention.time", "before": "7d"},
            {"path": "spec.retention.bytes", "after": "1GiB"},
        ])
    );
    assert_eq!(plan.body["results"][0]["object"]["spec"]["partitions"], 6);
}

#[tokio::test]
async fn what_was_read_can_be_applied_to_another_cluster() {
    let one = Server::start();
    let made = one.create("orders", 3).await;
    let other = Server::start();
    let applied = other
        .call("POST", "/v1/apply", json!([made.body]).to_string())
        .await;
    assert_eq!(applied.body["summary"]["created"], 1, "{}", applied.body);
    let again = one.call("POST", "/v1/apply", made.body.to_string()).await;
    assert_eq!(again.body["summary"]["unchanged"], 1, "{}", again.body);
}

#[tokio::test]
async fn every_wrong_document_is_named_and_nothing_is_half_applied() {
    let server = Server::start();
    let wrong = DOCUMENTS
        .replace("time: 7d", "time: 7")
        .replace("compact", "compost");
    let answer = server.call("POST", "/v1/apply", wrong).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0]["field"], "spec.retention.time");
    assert_eq!(
        (&errors[1]["document"], &errors[1]["name"]),
        (&json!(2), &json!("payments"))
    );
    assert!(
        errors[1]["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean `compact`"),
        "{}",
        errors[1]
    );
    // Legal by itself, refused by the cluster: the second document takes the first with it.
    let refused = DOCUMENTS.replace("cleanup: compact", "replicationFactor: 3");
    let answer = server.call("POST", "/v1/apply", refused).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["errors"][0]["document"], 2);
    assert_eq!(answer.body["field"], "spec.replicationFactor");
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .starts_with("document 2 (Topic `payments`)")
    );
    assert_eq!(server.metadata.image().topic_count(), 0);
}

#[tokio::test]
async fn no_documents_are_no_work() {
    let server = Server::start();
    let answer = server.call("POST", "/v1/apply", "---\n# nothing\n").await;
    assert_eq!(answer.body["results"], json!([]));
    let unknown = server.call("POST", "/v1/apply?prune=true", "").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn concurrent_writers_all_get_what_they_declared_or_are_told() {
    let server = Arc::new(Server::start());
    let writer = |number: u32| {
        let server = server.clone();
        async move {
            let document = json!([{
                "apiVersion": "tidemill.dev/v1", "kind": "Topic",
                "metadata": {"name": "shared", "labels": {format!("w{number}"): "x"}},
            }]);
            server.call("POST", "/v1/apply", document.to_string()).await
        }
    };
    let answers = futures_util::future::join_all((0..4).map(writer)).await;
    let created = answers
        .iter()
        .filter(|answer| answer.body["summary"]["created"] == 1)
        .count();
    assert_eq!(created, 1, "one made it, the others changed what that one made");
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
}

#[tokio::test]
async fn the_order_of_documents_does_not_matter() {
    let documents: Vec<&str> = DOCUMENTS.split("---").collect();
    let (one, two) = (Server::start(), Server::start());
    let reversed = format!("{}---{}", documents[1], documents[0]);
    one.call("POST", "/v1/apply", DOCUMENTS).await;
    two.call("POST", "/v1/apply", reversed).await;
    let specs = |list: Value| -> Vec<Value> {
        let items = list["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|item| json!([item["metadata"]["name"], item["spec"]]))
            .collect()
    };
    let (one, two) = (
        one.call("GET", "/v1/topics", "").await,
        two.call("GET", "/v1/topics", "").await,
    );
    assert_eq!(specs(one.body), specs(two.body));
}
