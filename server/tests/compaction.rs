//! Compacted topics on real sockets: the last value of each key stays, and so does what Kafka's own tools
//! and the group coordinator rely on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod support;

use std::collections::BTreeMap;

use bytes::Bytes;
use support::{Client, FETCH, Node, SOON, fetch_request, text, topic};
use tidemill_wire::batch::{self, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_configs_request::DescribeConfigsResource;
use tidemill_wire::kafka::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use tidemill_wire::kafka::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use tidemill_wire::kafka::messages::offset_fetch_request::OffsetFetchRequestGroup;
use tidemill_wire::kafka::messages::{
    DescribeConfigsRequest, FindCoordinatorRequest, GroupId, IncrementalAlterConfigsRequest,
    OffsetCommitRequest, OffsetFetchRequest,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const COMPACTED: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("segment.bytes", "2000"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

async fn node() -> Node {
    Node::start_with(|config| {
        config.compaction_backoff_ms = 10;
        config.offsets_partitions = 1;
        config.offsets_segment_bytes = 4_000;
    })
    .await
}

fn keyed(codec: Compression, records: &[(Option<&str>, Option<&str>)]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(codec);
    for (key, value) in records {
        builder.append(&RecordData {
            timestamp: 1_700_000_000_000,
            key: key.map(str::as_bytes),
            value: value.map(str::as_bytes),
            headers: &[],
        });
    }
    builder
}

/// Key and value of every record below `end`, by offset.
async fn read(client: &mut Client, name: &str, end: i64) -> BTreeMap<i64, (Bytes, Option<Bytes>)> {
    let mut found = BTreeMap::new();
    let mut next = 0;
    while next < end {
        let request = fetch_request(&[(name, 0, next)]).with_max_wait_ms(20_000);
        let response = client.call(FETCH, request).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        for batch in batch::split(partition.records.clone().unwrap_or_default()) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            for record in batch.records(1 << 20).unwrap().iter() {
                let record = record.unwrap();
                let copy = Bytes::copy_from_slice;
                found.insert(record.offset, (copy(record.key.unwrap()), record.value.map(copy)));
            }
            assert!(batch.header.next_offset() > next, "offsets rise");
            next = batch.header.next_offset();
        }
    }
    found
}

/// Reads until no more than `most` records are left: the test ends when compaction never comes.
async fn read_compacted(
    client: &mut Client,
    name: &str,
    end: i64,
    most: usize,
) -> BTreeMap<i64, (Bytes, Option<Bytes>)> {
    let compacted = async {
        loop {
            let found = read(client, name, end).await;
            if found.len() <= most {
                return found;
            }
        }
    };
    tokio::time::timeout(SOON, compacted)
        .await
        .expect("compacted in time")
}

/// A line of the metrics page.
async fn metric(node: &Node, name: &str) -> f64 {
    let mut stream = tokio::net::TcpStream::connect(node.running.http_addr())
        .await
        .unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {page}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn the_last_value_of_each_key_is_read_with_its_offset_also_after_a_restart() {
    let node = node().await;
    let mut client = node.client().await;
    client.create_topic("latest", 1, COMPACTED).await;
    // The only batch of its producer: nothing of it will be left but its place in the sequence.
    let once = keyed(Compression::None, &[(Some("key-3"), Some("once"))]);
    let once = once.with_producer(77, 0, 0).build();
    assert_eq!(client.produce("latest", 0, once.clone(), -1).await.base_offset, 0);
    let mut latest = BTreeMap::new();
    let mut end = 0;
    for round in 0..100 {
        let codec = Compression::ALL[round % 5];
        let keys: Vec<(String, String)> = (0..7)
            .map(|key| (format!("key-{key}"), format!("value {round} of {key}")))
            .collect();
        let records: Vec<_> = keys
            .iter()
            .map(|(key, value)| (Some(key.as_str()), (key != "key-6").then_some(value.as_str())))
            .collect();
        let stored = client
            .produce("latest", 0, keyed(codec, &records).build(), -1)
            .await;
        assert_eq!(stored.error_code, 0);
        for (offset, (key, value)) in (stored.base_offset..).zip(&records) {
            latest.insert(key.unwrap().to_owned(), (offset, value.map(str::to_owned)));
            end = offset + 1;
        }
    }
    // Some are in the segment that is written to.
    let found = read_compacted(&mut client, "latest", end, 150).await;
    let mut last = BTreeMap::new();
    for (offset, (key, value)) in &found {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        last.insert(text(key), (*offset, value.as_ref().map(text)));
    }
    assert_eq!(last, latest);
    assert!(metric(&node, "tidemill_log_compactions_total").await >= 1.0);
    let before = metric(&node, "tidemill_log_compaction_before_bytes_total").await;
    assert!(metric(&node, "tidemill_log_compaction_after_bytes_total").await < before);
    assert!(metric(&node, "tidemill_log_compaction_dirty_ratio").await > 0.01);

    let node = node.restart().await;
    let mut client = node.client().await;
    let again = read(&mut client, "latest", end).await;
    assert!(again.iter().all(|record| found.get(record.0) == Some(record.1)));
    assert!(latest.values().all(|(offset, _)| again.contains_key(offset)));
    let resent = client.produce("latest", 0, once, -1).await;
    assert_eq!(
        (resent.error_code, resent.base_offset),
        (0, 0),
        "it is known still"
    );
    let next = keyed(Compression::Zstd, &[(Some("key-0"), Some("next"))]).build();
    assert_eq!(client.produce("latest", 0, next, -1).await.base_offset, end);
}

#[tokio::test]
async fn records_without_a_key_are_refused_one_by_one_once_a_topic_is_compacted() {
    let node = node().await;
    let mut client = node.client().await;
    client.create_topic("keys", 1, &[]).await;
    let mixed = [
        (Some("a"), Some("1")),
        (None, Some("2")),
        (Some("b"), None),
        (None, Some("4")),
    ];
    let mixed = keyed(Compression::Lz4, &mixed).build();
    assert_eq!(client.produce("keys", 0, mixed.clone(), -1).await.error_code, 0);

    let set = |name: &str, value: &str| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("keys"))
        .with_configs(vec![
            set("cleanup.policy", "compact,delete"),
            set("delete.retention.ms", "7"),
            set("min.compaction.lag.ms", "3"),
            set("max.compaction.lag.ms", "9000"),
            set("min.cleanable.dirty.ratio", "0.25"),
        ]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(client.call(1, request).await.responses[0].error_code, 0);
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("keys"))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let response = client.call(4, request).await;
    for (name, value) in [
        ("cleanup.policy", "compact,delete"),
        ("delete.retention.ms", "7"),
        ("min.compaction.lag.ms", "3"),
        ("max.compaction.lag.ms", "9000"),
        ("min.cleanable.dirty.ratio", "0.25"),
    ] {
        let mut configs = response.results[0].configs.iter();
        let found = configs.find(|config| config.name.as_str() == name).unwrap();
        let found: Vec<&str> = found.value.as_ref().unwrap().split(',').collect();
        let mut wanted: Vec<&str> = value.split(',').collect();
        wanted.retain(|part| !found.contains(part));
        assert!(wanted.is_empty(), "{name}: {found:?}");
    }

    let refused = client.produce("keys", 0, mixed, -1).await;
    assert_eq!(refused.error_code, ResponseError::InvalidRecord.code());
    let blamed: Vec<i32> = refused
        .record_errors
        .iter()
        .map(|error| error.batch_index)
        .collect();
    assert_eq!(blamed, [1, 3]);
    assert!(refused.error_message.unwrap().contains("key"));
    let with_keys = keyed(Compression::Gzip, &[(Some("a"), None)]).build();
    assert_eq!(
        client.produce("keys", 0, with_keys, -1).await.base_offset,
        4,
        "nothing was stored"
    );
}

#[tokio::test]
async fn committed_offsets_survive_the_compaction_of_their_topic_and_a_restart() {
    const COMMITS: i64 = 400;
    let node = node().await;
    let mut client = node.client().await;
    client.create_topic("source", 2, &[]).await;
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("readers")]);
    assert_eq!(client.call(4, request).await.coordinators[0].error_code, 0);
    for offset in 1..=COMMITS {
        let partition = |index: i32| {
            OffsetCommitRequestPartition::default()
                .with_partition_index(index)
                .with_committed_offset(offset + i64::from(index))
                .with_committed_leader_epoch(-1)
                .with_committed_metadata(Some(text("")))
        };
        let committed = OffsetCommitRequestTopic::default()
            .with_name(topic("source"))
            .with_partitions(vec![partition(0), partition(1)]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text("readers")))
            .with_generation_id_or_member_epoch(-1)
            .with_retention_time_ms(-1)
            .with_topics(vec![committed]);
        let response = client.call(8, request).await;
        assert_eq!(response.topics[0].partitions[1].error_code, 0);
    }
    let compacted = async {
        // Nobody but the coordinator writes there, so all of it is behind the last commit.
        while read(&mut client, "__consumer_offsets", 2 * COMMITS).await.len() > 200 {}
    };
    tokio::time::timeout(SOON, compacted)
        .await
        .expect("compacted in time");
    let node = node.restart().await;
    let mut client = node.client().await;
    let fetched = async {
        loop {
            let group = OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(text("readers")))
                .with_member_epoch(-1)
                .with_topics(None);
            let request = OffsetFetchRequest::default().with_groups(vec![group]);
            let mut response = client.call(8, request).await;
            let group = response.groups.remove(0);
            // Its partition is being read.
            if group.error_code != ResponseError::CoordinatorLoadInProgress.code()
                && group.error_code != ResponseError::NotCoordinator.code()
            {
                assert_eq!(group.error_code, 0);
                return group;
            }
        }
    };
    let group = tokio::time::timeout(SOON, fetched).await.expect("loaded in time");
    let partitions = group.topics[0].partitions.iter();
    let offsets: Vec<i64> = partitions.map(|partition| partition.committed_offset).collect();
    assert_eq!(offsets, [COMMITS, COMMITS + 1]);
}
