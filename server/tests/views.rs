//! Views: virtual topics that any client reads.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod support;

use support::http::Http;
use support::{Client, FETCH, Node, builder, fetch_request, groups, records, topic, values};
use tidemill_wire::batch;
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::create_partitions_request::CreatePartitionsTopic;
use tidemill_wire::kafka::messages::create_topics_request::CreatableTopic;
use tidemill_wire::kafka::messages::delete_topics_request::DeleteTopicState;
use tidemill_wire::kafka::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidemill_wire::kafka::messages::metadata_request::MetadataRequestTopic;
use tidemill_wire::kafka::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, ListOffsetsRequest, MetadataRequest,
};
use uuid::Uuid;

const SHOP: &str = "
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {name: lines}
spec: {partitions: 2}
---
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: errors}
spec: {source: lines, transforms: [{module: filter}]}
---
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: loud}
spec: {source: errors, transforms: [{module: map}]}
";

async fn shop() -> (Node, Client) {
    let node = Node::start().await;
    node.load(&["filter", "map"]).await;
    node.apply(SHOP).await;
    let client = node.client().await;
    (node, client)
}

async fn offsets(client: &mut Client, name: &str, timestamp: i64) -> (i16, i64) {
    let partition = ListOffsetsPartition::default()
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let wanted = ListOffsetsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    let response = client
        .call(7, ListOffsetsRequest::default().with_topics(vec![wanted]))
        .await;
    let found = &response.topics[0].partitions[0];
    (found.error_code, found.offset)
}

fn told(found: &[(i64, Vec<u8>)]) -> Vec<(i64, &str)> {
    found
        .iter()
        .map(|(offset, value)| (*offset, std::str::from_utf8(value).unwrap()))
        .collect()
}

/// Records alone, without what leads a reader past what is left out.
fn real(response: &tidemill_wire::kafka::messages::FetchResponse) -> Vec<(i64, Vec<u8>)> {
    let mut real = values(response);
    let gaps = response.responses.iter().flat_map(|topic| &topic.partitions);
    for partition in gaps {
        for batch in batch::split(partition.records.clone().unwrap_or_default()) {
            let header = batch.unwrap().header;
            if header.is_gap() {
                real.retain(|(offset, _)| *offset != header.last_offset());
            }
        }
    }
    real
}

/// Where a reader of the response goes on.
fn next(response: &tidemill_wire::kafka::messages::FetchResponse) -> Option<i64> {
    let partition = &response.responses[0].partitions[0];
    assert_eq!(partition.error_code, 0);
    let batches = batch::split(partition.records.clone().unwrap_or_default());
    batches.last().map(|batch| batch.unwrap().header.next_offset())
}

#[tokio::test]
async fn a_view_is_read_like_a_topic_at_its_source_s_offsets() {
    let (_node, mut client) = shop().await;
    let sent = records(&[b"an error", b"fine", b"no error", b"fine"]);
    assert_eq!(client.produce("lines", 0, sent, -1).await.error_code, 0);

    let request = fetch_request(&[("errors", 0, 0)]).with_max_wait_ms(20_000);
    let response = client.call(FETCH, request).await;
    assert_eq!(told(&real(&response)), [(0, "an error"), (2, "no error")]);
    assert_eq!(next(&response), Some(4), "a reader is led past what is left out");
    assert_eq!(response.responses[0].partitions[0].high_watermark, 4);

    let request = fetch_request(&[("loud", 0, 1)]).with_max_wait_ms(20_000);
    let response = client.call(FETCH, request).await;
    let loud: Vec<_> = real(&response)
        .into_iter()
        .filter(|(offset, _)| *offset >= 1)
        .collect();
    assert_eq!(told(&loud), [(2, "NO ERROR")]);

    for view in ["errors", "loud"] {
        assert_eq!(offsets(&mut client, view, -2).await, (0, 0));
        assert_eq!(offsets(&mut client, view, -1).await, (0, 4));
        assert_eq!(offsets(&mut client, view, 1_700_000_000_000).await, (0, 0));
    }
}

#[tokio::test]
async fn metadata_lists_views_as_topics_with_ids_of_their_own() {
    let (_node, mut client) = shop().await;
    let response = client
        .call(12, MetadataRequest::default().with_topics(None))
        .await;
    let names: Vec<String> = response
        .topics
        .iter()
        .map(|topic| topic.name.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(names, ["errors", "lines", "loud"]);
    let ids: Vec<Uuid> = response.topics.iter().map(|topic| topic.topic_id).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert!(
        response
            .topics
            .iter()
            .all(|topic| topic.partitions.len() == 2 && topic.error_code == 0)
    );

    let wanted = MetadataRequestTopic::default()
        .with_name(None)
        .with_topic_id(ids[0]);
    let response = client
        .call(12, MetadataRequest::default().with_topics(Some(vec![wanted])))
        .await;
    assert_eq!(
        response.topics[0]
            .name
            .as_ref()
            .map(|name| name.to_string())
            .as_deref(),
        Some("errors")
    );

    // By id, as newer clients fetch.
    client.produce("lines", 0, records(&[b"error"]), -1).await;
    let mut request = fetch_request(&[("", 0, 0)]).with_max_wait_ms(20_000);
    request.topics[0].topic_id = ids[0];
    let response = client.call(13, request).await;
    assert_eq!(told(&real(&response)), [(0, "error")]);
}

#[tokio::test]
async fn a_stretch_without_any_record_is_passed_and_the_end_is_reached() {
    let (node, mut client) = shop().await;
    for _ in 0..50 {
        client.produce("lines", 0, records(&[b"fine", b"fine"]), 1).await;
    }
    client.produce("lines", 0, records(&[b"fine"]), -1).await;
    let request = fetch_request(&[("errors", 0, 0)]).with_max_wait_ms(10);
    let response = client.call(FETCH, request).await;
    assert!(real(&response).is_empty());
    assert_eq!(next(&response), Some(101), "what was passed is not read again");

    // At the end, a long poll waits for what comes, past what is left out.
    let mut writer = node.client().await;
    let request = fetch_request(&[("errors", 0, 101)]).with_max_wait_ms(20_000);
    let sent = client.send(FETCH, &request).await;
    writer.produce("lines", 0, records(&[b"fine"]), -1).await;
    writer.produce("lines", 0, records(&[b"an error"]), -1).await;
    let (correlation, response) = client
        .receive::<tidemill_wire::kafka::messages::FetchRequest>(FETCH)
        .await;
    assert_eq!(correlation, sent);
    assert_eq!(told(&real(&response)), [(102, "an error")]);
}

#[tokio::test]
async fn groups_commit_by_the_view_s_name() {
    let (node, _) = shop().await;
    let mut member = node.member(&["readers"]).await;
    let committed = member
        .commit("readers", groups::NOBODY, &[("errors", 0, 3), ("lines", 0, 1)])
        .await;
    assert_eq!(committed, [0, 0]);
    assert_eq!(
        member.all_offsets("readers").await,
        [("errors".to_owned(), 0, 3), ("lines".to_owned(), 0, 1)]
    );
    let joined = groups::NextGen::join(&node, "views", "errors").await;
    assert_eq!(
        joined
            .owned
            .values()
            .map(|partitions| partitions.len())
            .sum::<usize>(),
        2
    );
}

#[tokio::test]
async fn what_cannot_be_done_to_a_view_is_refused_with_the_mend() {
    let (_node, mut client) = shop().await;
    let refused = client.produce("errors", 0, records(&[b"x"]), -1).await;
    assert_eq!(refused.error_code, ResponseError::InvalidTopicException.code());
    let message = refused.error_message.unwrap().to_string();
    assert_eq!(
        message,
        "\"errors\" is a view of topic \"lines\" and stores nothing: produce to the topic"
    );

    let grow = CreatePartitionsTopic::default()
        .with_name(topic("errors"))
        .with_count(3);
    let response = client
        .call(
            3,
            CreatePartitionsRequest::default()
                .with_topics(vec![grow])
                .with_timeout_ms(1_000),
        )
        .await;
    assert_eq!(
        response.results[0].error_code,
        ResponseError::InvalidTopicException.code()
    );

    let create = CreatableTopic::default()
        .with_name(topic("errors"))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let response = client
        .call(
            7,
            CreateTopicsRequest::default()
                .with_topics(vec![create])
                .with_timeout_ms(1_000),
        )
        .await;
    assert_eq!(
        response.topics[0].error_code,
        ResponseError::TopicAlreadyExists.code()
    );

    for (name, code) in [
        ("errors", ResponseError::InvalidTopicException),
        ("lines", ResponseError::PolicyViolation),
    ] {
        let delete = DeleteTopicState::default().with_name(Some(topic(name)));
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![delete])
            .with_timeout_ms(1_000);
        let response = client.call(6, request).await;
        assert_eq!(response.responses[0].error_code, code.code(), "{name}");
    }
}

#[tokio::test]
async fn a_module_that_fails_stops_its_view_alone_and_says_so() {
    let (node, mut client) = shop().await;
    node.load(&["crash"]).await;
    node.apply(
        "
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: broken}
spec: {source: lines, transforms: [{module: crash}]}
---
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: mended}
spec: {source: lines, transforms: [{module: crash, onError: deadLetter}]}
",
    )
    .await;
    client.produce("lines", 0, records(&[b"error one"]), 1).await;
    client
        .produce("lines", 0, records(&[b"before", b"boom", b"error after"]), -1)
        .await;

    let request = fetch_request(&[("broken", 0, 0)]).with_max_wait_ms(20_000);
    let response = client.call(FETCH, request).await;
    assert_eq!(
        told(&real(&response)),
        [(0, "error one")],
        "what is before goes out"
    );
    let request = fetch_request(&[("broken", 0, 1), ("errors", 0, 0)]).with_max_wait_ms(20_000);
    let response = client.call(FETCH, request).await;
    let broken = &response.responses[0].partitions[0];
    assert_eq!(broken.error_code, ResponseError::InvalidRecord.code());
    assert_eq!(response.responses[1].partitions[0].error_code, 0);
    assert_eq!(told(&real(&response)), [(0, "error one"), (3, "error after")]);

    // Its object says so.
    let said = async {
        loop {
            let view = Http::of(&node).get("/v1/views/broken").await;
            if view.text.contains("crashed") {
                return view.json();
            }
            tokio::task::yield_now().await;
        }
    };
    let view = tokio::time::timeout(support::SOON, said)
        .await
        .expect("the view says so");
    assert_eq!(view["status"]["conditions"][0]["status"], "False", "{view}");

    let request = fetch_request(&[("mended", 0, 1)]).with_max_wait_ms(20_000);
    let response = client.call(FETCH, request).await;
    assert_eq!(told(&real(&response)), [(1, "before"), (3, "error after")]);
    let letters = client.fetch("_deadletter.mended", 0, 0).await;
    assert_eq!(told(&letters), [(0, "boom")]);

    let page = Http::of(&node).get("/metrics").await.text;
    assert!(
        page.contains("tidemill_smartmodule_crashes_total{module=\"crash\""),
        "{page}"
    );
    // What it said when it crashed.
    let logs = client.fetch("_smartmodule_logs", 0, 0);
    let logs = tokio::time::timeout(support::SOON, logs).await.unwrap();
    assert!(
        logs.iter()
            .any(|(_, line)| String::from_utf8_lossy(line).contains("this record is too much"))
    );
}

#[tokio::test]
async fn state_comes_from_looking_back_wherever_one_begins_to_read() {
    let (node, mut client) = shop().await;
    node.load(&["dedup"]).await;
    node.apply(
        "
apiVersion: tidemill.dev/v1
kind: View
metadata: {name: once}
spec: {source: lines, transforms: [{module: dedup, lookBack: {last: 1000}}]}
",
    )
    .await;
    for batch in [[b"a", b"b"], [b"b", b"c"], [b"a", b"d"]] {
        client
            .produce("lines", 0, records(&[batch[0], batch[1]]), -1)
            .await;
    }
    let read = |from| fetch_request(&[("once", 0, from)]).with_max_wait_ms(20_000);
    let whole = client.call(FETCH, read(0)).await;
    assert_eq!(told(&real(&whole)), [(0, "a"), (1, "b"), (3, "c"), (5, "d")]);
    // Another reader begins in the middle, and the first goes on after the end.
    let rest = client.call(FETCH, read(4)).await;
    assert_eq!(told(&real(&rest)), [(5, "d")]);
    client.produce("lines", 0, records(&[b"d", b"e"]), -1).await;
    let more = client.call(FETCH, read(6)).await;
    assert_eq!(told(&real(&more)), [(7, "e")]);
}

#[tokio::test]
async fn a_thousand_views_at_rest_take_little_and_compile_once() {
    let (node, mut client) = shop().await;
    client
        .produce("lines", 0, records(&[b"error 1", b"error 2"]), -1)
        .await;
    let mut documents = String::new();
    for at in 0..1_000 {
        documents += &format!(
            "---\napiVersion: tidemill.dev/v1\nkind: View\nmetadata: {{name: v{at}}}\nspec: {{source: lines, transforms: [{{module: filter, params: {{text: error}}}}]}}\n"
        );
    }
    node.apply(&documents).await;
    for at in 0..1_000 {
        let request = fetch_request(&[(&format!("v{at}"), 0, 0)]).with_max_wait_ms(20_000);
        let response = client.call(FETCH, request).await;
        assert_eq!(told(&real(&response)), [(0, "error 1"), (1, "error 2")]);
    }
    let (chains, memory) = node.running.broker().transforms.idle();
    assert!(
        chains <= 256 && memory <= 100_000 * 1_000,
        "{chains} chains with {memory} bytes are idle"
    );
}

#[tokio::test]
async fn many_batches_in_every_codec_come_through_whole() {
    let (_node, mut client) = shop().await;
    let mut expected = Vec::new();
    for (round, codec) in (0_i64..).zip(Compression::ALL.into_iter().cycle().take(40)) {
        let all: Vec<String> = (0..100)
            .map(|at| {
                format!(
                    "{} {round} {at} {}",
                    if at % 7 == 0 { "error" } else { "fine" },
                    "x".repeat(200)
                )
            })
            .collect();
        let bytes: Vec<&[u8]> = all.iter().map(String::as_bytes).collect();
        client
            .produce("lines", 1, builder(codec, &bytes).build(), 1)
            .await;
        expected.extend(
            (0..100)
                .filter(|at| at % 7 == 0)
                .map(|at| (round * 100 + at, all[at as usize].clone())),
        );
    }
    client.produce("lines", 1, records(&[b"error end"]), -1).await;
    expected.push((4_000, "error end".to_owned()));
    let (mut from, mut found) = (0, Vec::new());
    while from < 4_001 {
        let request = fetch_request(&[("errors", 1, from)]).with_max_wait_ms(20_000);
        let response = client.call(FETCH, request).await;
        found.extend(real(&response).into_iter().filter(|(offset, _)| *offset >= from));
        from = next(&response).unwrap();
    }
    let found: Vec<(i64, String)> = found
        .into_iter()
        .map(|(offset, value)| (offset, String::from_utf8(value).unwrap()))
        .collect();
    assert_eq!(found, expected);
}
