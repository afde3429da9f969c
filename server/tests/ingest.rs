//! What topics do to records before they store them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod support;

use bytes::Bytes;
use support::{Client, FETCH, Node, builder, fetch_request, records};
use tidemill_wire::batch::{self, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::error::ResponseError;

async fn topic(module: &str, rest: &str) -> (Node, Client) {
    let node = Node::start().await;
    node.load(&[module]).await;
    node.apply(&format!(
        "
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {{name: lines}}
spec: {{ingest: {{transforms: [{{module: {module}{rest}}}]}}}}
"
    ))
    .await;
    let client = node.client().await;
    (node, client)
}

/// Offsets and values of all that is stored, and where the log ends.
async fn stored(client: &mut Client) -> (Vec<(i64, String)>, i64) {
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let request = fetch_request(&[("lines", 0, from)]).with_max_wait_ms(0);
        let response = client.call(FETCH, request).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        let batches = batch::split(partition.records.clone().unwrap_or_default());
        let before = from;
        for batch in batches {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            from = batch.header.next_offset();
            if batch.header.is_gap() {
                continue;
            }
            for record in batch.records(1 << 30).unwrap().iter() {
                let record = record.unwrap();
                let value = String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap();
                all.push((record.offset, value));
            }
        }
        if from == before {
            return (all, from);
        }
    }
}

fn numbered(values: &[&[u8]], id: i64, sequence: i32) -> Bytes {
    builder(Compression::None, values)
        .with_producer(id, 0, sequence)
        .build()
}

fn pairs(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected
        .iter()
        .map(|(offset, value)| (*offset, (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn what_is_left_out_keeps_offsets_and_sequences_also_across_a_kill() {
    let (node, mut client) = topic("filter", "").await;
    let answer = client
        .produce("lines", 0, numbered(&[b"fine", b"error 1"], 7, 0), -1)
        .await;
    assert_eq!((answer.error_code, answer.base_offset), (0, 0));
    let answer = client
        .produce("lines", 0, numbered(&[b"fine", b"fine"], 7, 2), -1)
        .await;
    assert_eq!(
        (answer.error_code, answer.base_offset),
        (0, 2),
        "nothing of it is stored, but its place"
    );
    let node = node.kill().await;
    let mut client = node.client().await;
    let again = client
        .produce("lines", 0, numbered(&[b"fine", b"fine"], 7, 2), -1)
        .await;
    assert_eq!((again.error_code, again.base_offset), (0, 2), "it was there");
    let answer = client
        .produce("lines", 0, numbered(&[b"error 2"], 7, 4), -1)
        .await;
    assert_eq!((answer.error_code, answer.base_offset), (0, 4));
    let skipped = client
        .produce("lines", 0, numbered(&[b"error 3"], 7, 6), -1)
        .await;
    assert_eq!(skipped.error_code, ResponseError::OutOfOrderSequenceNumber.code());
    assert_eq!(
        stored(&mut client).await,
        (pairs(&[(1, "error 1"), (4, "error 2")]), 5)
    );
}

#[tokio::test]
async fn a_validating_module_tells_the_producer_which_records_and_why() {
    let (_node, mut client) = topic("validate", "").await;
    let refused = client
        .produce("lines", 0, records(&[b"5", b"x", b"101"]), -1)
        .await;
    assert_eq!(refused.error_code, ResponseError::InvalidRecord.code());
    let told: Vec<(i32, String)> = refused
        .record_errors
        .iter()
        .map(|error| {
            (
                error.batch_index,
                error.batch_index_error_message.as_ref().unwrap().to_string(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, "`x` is not a number".to_owned()),
            (2, "101 is not from 0 to 100".to_owned())
        ]
    );
    let message = refused.error_message.unwrap().to_string();
    assert_eq!(
        message,
        "2 records of the batch are refused by the topic's transforms: `x` is not a number"
    );
    assert_eq!(
        client.produce("lines", 0, records(&[b"5"]), -1).await.base_offset,
        0
    );
    assert_eq!(stored(&mut client).await, (pairs(&[(0, "5")]), 1));
}

#[tokio::test]
async fn records_that_fail_are_refused_or_put_aside_as_the_topic_asks() {
    let (node, mut client) = topic("crash", "").await;
    let refused = client.produce("lines", 0, records(&[b"a", b"boom"]), -1).await;
    assert_eq!(refused.error_code, ResponseError::InvalidRecord.code());
    node.apply(
        "
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {name: lines}
spec: {ingest: {transforms: [{module: crash, onError: deadLetter}]}}
",
    )
    .await;
    let taken = client
        .produce("lines", 0, records(&[b"a", b"boom", b"b"]), -1)
        .await;
    assert_eq!((taken.error_code, taken.base_offset), (0, 0));
    assert_eq!(stored(&mut client).await, (pairs(&[(0, "a"), (2, "b")]), 3));
    let request = fetch_request(&[("_deadletter.lines", 0, 0)]).with_max_wait_ms(20_000);
    let response = client.call(FETCH, request).await;
    let mut letters = response.responses[0].partitions[0].records.clone().unwrap();
    let letters = batch::Batch::parse(&mut letters)
        .unwrap()
        .records(1 << 20)
        .unwrap();
    let letter = letters.iter().next().unwrap().unwrap();
    assert_eq!((letter.key, letter.value), (Some(&b"k"[..]), Some(&b"boom"[..])));
    let header = |name: &str| {
        let mut headers = letter.headers.iter();
        let found = headers.find(|(found, _)| *found == name.as_bytes()).unwrap();
        String::from_utf8(found.1.unwrap().to_vec()).unwrap()
    };
    assert_eq!(header("tidemill.source.topic"), "lines");
    assert_eq!(header("tidemill.source.partition"), "0");
    assert_eq!(header("tidemill.source.offset"), "1");
    assert_eq!(header("tidemill.module"), "crash");
    assert!(header("tidemill.module.digest").starts_with("sha256:"));
    assert!(
        header("tidemill.error").contains("this record is too much"),
        "{}",
        header("tidemill.error")
    );
}

#[tokio::test]
async fn a_module_s_state_is_rebuilt_from_the_log_after_a_kill() {
    let (node, mut client) = topic("dedup", ", lookBack: {last: 100}").await;
    client
        .produce("lines", 0, numbered(&[b"a", b"b", b"a"], 7, 0), -1)
        .await;
    let again = client
        .produce("lines", 0, numbered(&[b"a", b"b", b"a"], 7, 0), -1)
        .await;
    assert_eq!(
        (again.error_code, again.base_offset),
        (0, 0),
        "found before the module sees it"
    );
    let node = node.kill().await;
    let mut client = node.client().await;
    client
        .produce("lines", 0, numbered(&[b"c", b"b", b"a"], 7, 3), -1)
        .await;
    assert_eq!(
        stored(&mut client).await,
        (pairs(&[(0, "a"), (1, "b"), (3, "c")]), 6)
    );
}

#[tokio::test]
async fn doubles_within_the_window_are_left_out_exactly_also_across_a_kill() {
    let node = Node::start().await;
    node.apply(
        "
apiVersion: tidemill.dev/v1
kind: Topic
metadata: {name: lines}
spec: {dedup: {window: 1s, by: key}}
",
    )
    .await;
    let at = |key: &str, ms: i64| {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.append(&RecordData {
            timestamp: 1_700_000_000_000 + ms,
            key: Some(key.as_bytes()),
            value: Some(format!("{key}{ms}").as_bytes()),
            headers: &[],
        });
        builder.build()
    };
    let mut client = node.client().await;
    for (key, ms) in [("a", 0), ("b", 10), ("a", 20), ("a", 999), ("c", 999)] {
        assert_eq!(client.produce("lines", 0, at(key, ms), -1).await.error_code, 0);
    }
    let node = node.kill().await;
    let mut client = node.client().await;
    // `a` of 0 is forgotten at 1000, `b` of 10 is not yet; `c` was never old.
    for (key, ms) in [("a", 1000), ("b", 1005), ("c", 1006), ("b", 1010)] {
        assert_eq!(client.produce("lines", 0, at(key, ms), -1).await.error_code, 0);
    }
    let expected = [(0, "a0"), (1, "b10"), (4, "c999"), (5, "a1000"), (8, "b1010")];
    assert_eq!(stored(&mut client).await, (pairs(&expected), 9));
}
