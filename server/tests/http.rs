//! The HTTP side on real sockets: metrics, readiness, and objects that meet the data path.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::http::Http;
use support::{Client, FETCH, Node, SOON, fetch_request, records};
use tidemill_wire::kafka::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use tidemill_wire::kafka::messages::produce_response::PartitionProduceResponse;
use tidemill_wire::kafka::messages::{FindCoordinatorRequest, GroupId, OffsetCommitRequest, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;
use tokio::io::AsyncWriteExt;

/// A metric of the page: its type, and the names of its labels.
type Described = BTreeMap<String, (String, BTreeSet<String>)>;

/// Reads the OpenMetrics text format.
fn described(page: &str) -> Described {
    let mut metrics = Described::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            metrics.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let end = line.find(['{', ' ']).unwrap();
            let family = metrics
                .iter_mut()
                .rev()
                .find(|(family, _)| line[..end].strip_prefix(family.as_str()).is_some_and(is_suffix));
            let (_, (_, labels)) = family.unwrap_or_else(|| panic!("no TYPE for {line}"));
            let inside = line[end..]
                .strip_prefix('{')
                .and_then(|rest| rest.rsplit_once("} "));
            let names = inside.into_iter().flat_map(|(inside, _)| inside.split("\","));
            labels.extend(
                names
                    .filter_map(|label| label.split_once('='))
                    .map(|(name, _)| name.to_owned())
                    .filter(|name| name != "le"),
            );
        }
    }
    metrics
}

fn is_suffix(text: &str) -> bool {
    ["", "_total", "_sum", "_count", "_bucket", "_info"].contains(&text)
}

/// The table of `docs/metrics.md`.
fn documented() -> Described {
    let page = include_str!("../../docs/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let labels = cells[2].split(',').map(|label| label.trim().trim_matches('`'));
        (
            cells[0].trim_matches('`').to_owned(),
            (
                cells[1].to_owned(),
                labels
                    .filter(|label| !label.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
        )
    })
    .collect()
}

/// Writes one record, again and again while the partition is still being opened.
async fn produce_when_open(client: &mut Client, topic: &str, value: &[u8]) -> PartitionProduceResponse {
    let begun = tokio::time::Instant::now();
    loop {
        let answer = client.produce(topic, 0, records(&[value]), -1).await;
        // Unknown topic, no leader, not the leader: what every client tries again.
        if ![3, 5, 6].contains(&answer.error_code) {
            return answer;
        }
        assert!(begun.elapsed() < SOON, "it never opened: {}", answer.error_code);
        tokio::task::yield_now().await;
    }
}

async fn commit(node: &Node, topic: &str) {
    let mut client = node.client().await;
    let name = |text: &str| StrBytes::from_string(text.to_owned());
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(name("readers")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![
            OffsetCommitRequestTopic::default()
                .with_name(TopicName(name(topic)))
                .with_partitions(vec![
                    OffsetCommitRequestPartition::default()
                        .with_partition_index(0)
                        .with_committed_offset(1),
                ]),
        ]);
    // Asking for the coordinator makes the topic of offsets.
    let ask = FindCoordinatorRequest::default().with_coordinator_keys(vec![name("readers")]);
    let begun = tokio::time::Instant::now();
    loop {
        client.call(4, ask.clone()).await;
        let answer = client.call(8, request.clone()).await;
        let code = answer.topics[0].partitions[0].error_code;
        if code == 0 {
            return;
        }
        assert!(begun.elapsed() < SOON, "the coordinator never came: {code}");
        tokio::task::yield_now().await;
    }
}

const VIEWS: &str = "
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: errors}
spec: {source: orders, transforms: [{module: filter}]}
---
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: crashes}
spec: {source: orders, transforms: [{module: crash}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_those_that_are_documented() {
    let node = Node::start().await;
    let http = Http::of(&node);
    let mut client = node.client().await;
    client.create_topic("orders", 1, &[]).await;
    client
        .produce("orders", 0, records(&[b"an error", b"boom", b"c"]), -1)
        .await;
    assert_eq!(client.fetch("orders", 0, 0).await.len(), 3);
    // A module that runs, and one that crashes: a metric is told once there is something to tell.
    node.load(&["filter", "crash"]).await;
    node.apply(VIEWS).await;
    client
        .call(FETCH, fetch_request(&[("errors", 0, 0), ("crashes", 0, 0)]))
        .await;
    client.produce("nowhere", 0, records(&[b"lost"]), -1).await;
    let mut garbage = node.client().await;
    garbage.stream.write_all(&[0xff; 64]).await.unwrap();
    assert!(garbage.is_closed().await);
    commit(&node, "orders").await;

    assert_eq!(http.get("/v1/topics/orders").await.status, 200);
    let page = http.get("/metrics").await.text;
    assert!(page.ends_with("# EOF\n"));
    for line in [
        "tidemill_records_produced_total{topic=\"orders\"} 3",
        "tidemill_records_fetched_total{topic=\"orders\"} 3",
        "tidemill_group_lag{group=\"readers\",topic=\"orders\"} 2",
        "tidemill_http_request_seconds_count{route=\"/v1/{plural}/{name}\",method=\"GET\",status=\"200\"} 1",
        "tidemill_partitions{flush=\"always\"}",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    let (found, documented) = (described(&page), documented());
    for (name, described) in &documented {
        assert_eq!(
            found.get(name),
            Some(described),
            "docs/metrics.md and /metrics differ on {name}"
        );
    }
    let unknown: Vec<&String> = found
        .keys()
        .filter(|name| !documented.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
    node.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_and_says_so_to_probes() {
    let node = Node::start().await;
    let http = Http::of(&node);
    let ready = http.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"ready": true, "reasons": []}))
    );
    assert_eq!(http.get("/healthz").await.status, 200);
    node.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_cannot_be_opened_makes_the_server_unready_and_is_named() {
    let node = Node::start().await;
    node.client().await.create_topic("orders", 2, &[]).await;
    let topics = node.dir.path().join("data/topics");
    let spoil = move || {
        let topic = std::fs::read_dir(&topics)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let partition = topic.join("1");
        std::fs::remove_dir_all(&partition).unwrap();
        std::fs::write(&partition, "not a directory").unwrap();
    };
    let node = node.restart_after(spoil).await;
    let http = Http::of(&node);
    let ready = http.get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text);
    let reasons = ready.json()["reasons"].clone();
    assert_eq!(reasons.as_array().map(Vec::len), Some(1), "{reasons}");
    assert!(
        reasons[0]
            .as_str()
            .is_some_and(|reason| reason.starts_with("orders-1: ")),
        "{reasons}"
    );
    assert_eq!(
        http.get("/healthz").await.status,
        200,
        "a restart would not mend it"
    );
    let broken = http.get("/v1/partitions/orders-1").await.json();
    assert_eq!(broken["status"]["conditions"][0]["status"], "False", "{broken}");
    let whole = http.get("/v1/partitions/orders-0").await.json();
    assert_eq!(
        whole["status"]["conditions"][0]["status"], "True",
        "the other partition serves"
    );
    node.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_was_never_there_is_not_found() {
    let node = Node::start().await;
    let http = Http::of(&node);
    let answer = http.send("DELETE", "/v1/consumergroups/nobody", "").await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(answer.json()["title"], "NotFound");
    node.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_again_at_once_works_at_once_and_is_empty() {
    let node = Node::start().await;
    let http = Http::of(&node);
    let mut client = node.client().await;
    for round in 0..5 {
        let body = r#"{"spec": {"partitions": 1}}"#;
        let made = http.send("PUT", "/v1/topics/again", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        // Nobody is told that it serves before it does.
        let ready = made.json()["status"]["conditions"][0].clone();
        assert_eq!(
            (&ready["type"], &ready["status"]),
            (&json!("Ready"), &json!("False")),
            "{ready}"
        );
        let written = produce_when_open(&mut client, "again", format!("round {round}").as_bytes()).await;
        assert_eq!(written.base_offset, 0, "nothing of the one before is left");
        let read = client.fetch("again", 0, 0).await;
        assert_eq!(read.len(), 1);
        let deleted = http.send("DELETE", "/v1/topics/again", "").await;
        assert_eq!(deleted.status, 204, "{}", deleted.text);
    }
    node.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_made_rest_changes_and_the_running_log_follows() {
    let node = Node::start().await;
    let http = Http::of(&node);
    let mut client = node.client().await;
    client
        .create_topic("orders", 1, &[("retention.ms", "3600000")])
        .await;
    let read = http.get("/v1/topics/orders").await.json();
    assert_eq!(
        read["spec"]["retention"]["time"], "1h",
        "one command makes it, whoever sends it"
    );
    let patch = r#"{"spec": {"partitions": 3, "maxMessageBytes": "1KiB"}}"#;
    let patched = http.send("PATCH", "/v1/topics/orders", patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    // The log that was open already follows the new limit, a moment after the answer.
    let begun = tokio::time::Instant::now();
    while produce_when_open(&mut client, "orders", &[b'x'; 4096])
        .await
        .error_code
        != 10
    {
        assert!(begun.elapsed() < SOON, "the new limit never came");
    }
    assert_eq!(
        produce_when_open(&mut client, "orders", b"small")
            .await
            .error_code,
        0
    );
    let partitions: Value = http.get("/v1/partitions?topic=orders").await.json();
    assert_eq!(partitions["items"].as_array().map(Vec::len), Some(3));
    node.running.shutdown().await;
}
