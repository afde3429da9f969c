//! Old records, which the system sends from their files: they come as they are, whatever becomes of the file while
//! a slow reader takes them, and they are counted.

#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use support::http::Http;
use support::{Client, FETCH, Node, fetch_request, records, topic, values};
use tidemill_env::sim::{Faults, FaultyDisk};
use tidemill_env::{Disk, Env, OpenMode, RealDisk};
use tidemill_wire::kafka::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use tidemill_wire::kafka::messages::{DeleteRecordsRequest, FetchRequest};
use tokio::io::AsyncReadExt;

/// Records of a topic; together more than any socket buffers and than is kept in memory of one log.
const COUNT: usize = 24;
const SIZE: usize = 1_000_000;

fn value(at: usize) -> Vec<u8> {
    (0..SIZE).map(|byte| (byte * (at + 1) % 251) as u8).collect()
}

async fn fill(client: &mut Client, settings: &[(&str, &str)]) {
    let settings = [&[("max.message.bytes", "2000000")], settings].concat();
    client.create_topic("old", 1, &settings).await;
    for at in 0..COUNT {
        let stored = client.produce("old", 0, records(&[&value(at)]), -1).await;
        assert_eq!(stored.error_code, 0);
    }
}

/// Asks for `bytes` from `offset` on.
fn wish(offset: i64, bytes: i32) -> FetchRequest {
    let mut request = fetch_request(&[("old", 0, offset)]);
    request.topics[0].partitions[0].partition_max_bytes = bytes;
    request
}

/// Reads all records, some at a time, checks that they are what was sent, and answers how many they are.
async fn read_all(client: &mut Client, bytes: i32) -> usize {
    let mut next = 0;
    while next < COUNT {
        let response = client
            .call(FETCH, wish(i64::try_from(next).unwrap(), bytes))
            .await;
        let found = values(&response);
        assert!(!found.is_empty(), "at {next}");
        for (offset, found) in found {
            assert_eq!(usize::try_from(offset).unwrap(), next);
            assert!(found == value(next), "record {next}");
            next += 1;
        }
    }
    next
}

fn log_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(log_files(&path));
        } else if path.extension().is_some_and(|end| end == "log") {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn old_records_come_as_they_were_sent_and_are_counted() {
    let node = Node::start().await;
    let mut client = node.client().await;
    fill(&mut client, &[]).await;
    for bytes in [1, 3_000_000, 50 << 20] {
        assert_eq!(read_all(&mut client, bytes).await, COUNT);
    }
    let page = Http::of(&node).get("/metrics").await.text;
    let of = |name: &str| {
        let line = page.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    // Three readings; batches are a little longer than their values.
    assert_eq!(of("tidemill_records_fetched_total{topic=\"old\""), 72.0);
    let bytes = of("tidemill_fetched_bytes_total{topic=\"old\"");
    assert!((72e6..72.1e6).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn records_that_are_on_the_disk_only_come_too() {
    let node = Node::start().await;
    let mut client = node.client().await;
    fill(&mut client, &[]).await;
    for bytes in [3_000_000, 50 << 20] {
        for file in log_files(node.dir.path()) {
            RealDisk.open(&file, OpenMode::Read).unwrap().forget_cached();
        }
        assert_eq!(read_all(&mut client, bytes).await, COUNT);
    }
}

#[tokio::test]
async fn a_disk_whose_files_can_only_be_read_serves_all() {
    let disk = FaultyDisk::new(Arc::new(RealDisk), Arc::new(Faults::default()));
    let env = Env {
        disk: Arc::new(disk),
        ..Env::real()
    };
    let node = Node::start_in(env, |_| {}).await;
    let mut client = node.client().await;
    fill(&mut client, &[]).await;
    for bytes in [3_000_000, 50 << 20] {
        assert_eq!(read_all(&mut client, bytes).await, COUNT);
    }
}

#[tokio::test]
async fn a_slow_reader_gets_all_of_a_segment_that_is_deleted_meanwhile() {
    let node = Node::start().await;
    let (mut slow, mut other) = (node.client().await, node.client().await);
    // All records fit into the first segment; one more begins the second.
    let large = ("segment.bytes", "24100000");
    fill(&mut other, &[large]).await;
    let extra = other.produce("old", 0, records(&[&value(COUNT)]), -1).await;
    assert_eq!(extra.error_code, 0);
    let first = log_files(node.dir.path())
        .into_iter()
        .find(|path| std::fs::metadata(path).unwrap().len() > 20_000_000)
        .unwrap();

    slow.send(FETCH, &wish(0, 50 << 20)).await;
    // The answer has begun, and most of it is still to come.
    let length = slow.stream.read_i32().await.unwrap();
    let partition = DeleteRecordsPartition::default()
        .with_partition_index(0)
        .with_offset(COUNT as i64);
    let delete = DeleteRecordsTopic::default()
        .with_name(topic("old"))
        .with_partitions(vec![partition]);
    let delete = DeleteRecordsRequest::default()
        .with_topics(vec![delete])
        .with_timeout_ms(30_000);
    let deleted = other.call(2, delete).await;
    assert_eq!(deleted.topics[0].partitions[0].error_code, 0);
    assert!(!first.exists(), "{first:?}");

    let mut frame = vec![0; usize::try_from(length).unwrap()];
    slow.stream.read_exact(&mut frame).await.unwrap();
    let (_, response) =
        tidemill_wire::api::decode_response::<FetchRequest>(FETCH, bytes::Bytes::from(frame)).unwrap();
    let found = values(&response);
    assert_eq!(found.len(), COUNT);
    for (at, (offset, found)) in found.into_iter().enumerate() {
        assert!(offset == at as i64 && found == value(at), "record {at}");
    }
}
