//! A partition on a real disk: order, idempotence across restarts, long polls, bounds.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidemill_env::Env;
use tidemill_partition::{
    AppendError, FetchError, FetchWaiter, FlushPolicy, Partition, PartitionConfig, PartitionSpec, Partitions,
    TimestampType,
};
use tidemill_wire::batch::{self, BatchBuilder, RecordData, patch};
use tidemill_wire::codec::Compression;
use uuid::Uuid;

const TOPIC: Uuid = Uuid::from_u128(42);

fn spec(config: PartitionConfig) -> PartitionSpec {
    PartitionSpec {
        topic_id: TOPIC,
        topic: "orders".into(),
        index: 0,
        leader_epoch: 3,
        config,
    }
}

struct Host {
    _dir: Option<tempfile::TempDir>,
    partitions: Partitions,
}

impl Host {
    fn at(root: &std::path::Path) -> Self {
        Self {
            _dir: None,
            partitions: Partitions::new(Env::real(), root.to_owned(), Arc::new(())),
        }
    }

    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::at(dir.path()).keeping(dir)
    }

    fn keeping(self, dir: tempfile::TempDir) -> Self {
        Self {
            _dir: Some(dir),
            ..self
        }
    }

    async fn open(&self, config: PartitionConfig) -> Arc<Partition> {
        self.partitions.open(spec(config)).await.unwrap()
    }
}

fn records(values: &[&str], compression: Compression) -> BatchBuilder {
    let mut builder = BatchBuilder::new(compression);
    for value in values {
        builder.append(&RecordData {
            timestamp: 1_000,
            key: None,
            value: Some(value.as_bytes()),
            headers: &[],
        });
    }
    builder
}

fn plain(values: &[&str]) -> Bytes {
    records(values, Compression::None).build()
}

fn idempotent(values: &[&str], epoch: i16, sequence: i32) -> Bytes {
    records(values, Compression::None)
        .with_producer(9, epoch, sequence)
        .build()
}

async fn values(partition: &Partition, from: i64) -> Vec<(i64, String)> {
    let fetched = partition.fetch(from, 1 << 20).await.unwrap();
    let mut all = Vec::new();
    let whole: BytesMut = fetched
        .batches
        .chunks
        .iter()
        .flat_map(|chunk| chunk.to_vec())
        .collect();
    for batch in batch::split(whole.freeze()) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        for record in batch.records(1 << 20).unwrap().iter() {
            let record = record.unwrap();
            all.push((
                record.offset,
                String::from_utf8(record.value.unwrap().to_vec()).unwrap(),
            ));
        }
    }
    all
}

#[tokio::test]
async fn records_come_back_in_order_with_their_offsets_in_every_codec() {
    let host = Host::new();
    let partition = host.open(PartitionConfig::default()).await;
    let codecs = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for (i, codec) in codecs.into_iter().enumerate() {
        let accepted = partition
            .append(records(&["a", "b"], codec).build())
            .await
            .unwrap();
        assert_eq!(accepted.base_offset, i as i64 * 2);
        accepted.commit.await.unwrap();
    }
    let read = values(&partition, 0).await;
    assert_eq!(read.len(), 10);
    assert!(
        read.iter().enumerate().all(|(i, (offset, value))| {
            *offset == i as i64 && value == if i % 2 == 0 { "a" } else { "b" }
        })
    );
    assert_eq!(partition.epoch_end_offset(3), (3, 10));
}

#[tokio::test]
async fn a_reader_sees_only_what_is_committed() {
    let host = Host::new();
    let partition = host.open(PartitionConfig::default()).await;
    let accepted = partition.append(plain(&["a"])).await.unwrap();
    accepted.commit.await.unwrap();
    assert_eq!(partition.offsets().high_watermark, 1);
    assert_eq!(values(&partition, 0).await.len(), 1);
    assert!(
        partition.fetch(1, 100).await.unwrap().batches.chunks.is_empty(),
        "at the end there is nothing yet"
    );
    assert!(matches!(
        partition.fetch(2, 100).await,
        Err(FetchError::OutOfRange { start: 0, end: 1, .. })
    ));
}

#[tokio::test]
async fn a_batch_sent_again_is_stored_once_also_after_a_restart_clean_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::at(dir.path());
    let partition = host.open(PartitionConfig::default()).await;
    let first = partition.append(idempotent(&["a", "b"], 0, 0)).await.unwrap();
    let again = partition.append(idempotent(&["a", "b"], 0, 0)).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(again.base_offset, first.base_offset);
    again.commit.await.unwrap();
    host.partitions.close_all().await;

    let host = Host::at(dir.path());
    let partition = host.open(PartitionConfig::default()).await;
    assert!(
        partition
            .append(idempotent(&["a", "b"], 0, 0))
            .await
            .unwrap()
            .duplicate,
        "clean restart"
    );
    let next = partition.append(idempotent(&["c"], 0, 2)).await.unwrap();
    assert_eq!(next.base_offset, 2);
    next.commit.await.unwrap();
    drop((partition, host)); // no close: a crash

    let host = Host::at(dir.path());
    let partition = host.open(PartitionConfig::default()).await;
    assert!(
        partition
            .append(idempotent(&["c"], 0, 2))
            .await
            .unwrap()
            .duplicate,
        "restart after a crash"
    );
    let gap = partition.append(idempotent(&["x"], 0, 9)).await.unwrap_err();
    assert!(matches!(
        gap,
        AppendError::OutOfOrderSequence {
            sequence: 9,
            expected: 3,
            ..
        }
    ));
    assert_eq!(values(&partition, 0).await.len(), 3);
}

#[tokio::test]
async fn a_new_producer_epoch_fences_the_old_one() {
    let host = Host::new();
    let partition = host.open(PartitionConfig::default()).await;
    partition.append(idempotent(&["a"], 0, 0)).await.unwrap();
    partition.append(idempotent(&["b"], 1, 0)).await.unwrap();
    let fenced = partition.append(idempotent(&["c"], 0, 1)).await.unwrap_err();
    assert!(matches!(fenced, AppendError::FencedProducer { current: 1, .. }));
    let producers = partition.producers();
    assert_eq!(
        (producers.len(), producers[0].epoch, producers[0].last_sequence),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn damaged_and_dishonest_batches_are_refused_and_nothing_is_stored() {
    let host = Host::new();
    let config = PartitionConfig {
        max_message_bytes: 1_000,
        ..PartitionConfig::default()
    };
    let partition = host.open(config).await;
    let good = plain(&["a", "b"]);
    for at in 0..good.len() {
        let mut bad = BytesMut::from(good.as_ref());
        bad[at] ^= 0x55;
        // The base offset and the leader epoch are outside the checksum, and the server sets both.
        if !(0..8).contains(&at) && !(12..16).contains(&at) {
            assert!(
                partition.append(bad.freeze()).await.is_err(),
                "byte {at} was changed unnoticed"
            );
        }
    }
    for len in 0..good.len() {
        assert!(
            partition.append(good.slice(..len)).await.is_err(),
            "a batch cut at {len} was taken"
        );
    }
    let large = "x".repeat(2_000);
    let refused = partition.append(plain(&[&large])).await.unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { max: 1_000, .. }));
    assert_eq!(partition.offsets().end, 0);
}

#[tokio::test]
async fn the_topic_stamps_and_bounds_times_and_asks_for_keys() {
    let host = Host::new();
    let config = PartitionConfig {
        timestamp_type: TimestampType::LogAppendTime,
        ..PartitionConfig::default()
    };
    let partition = host.open(config.clone()).await;
    let accepted = partition.append(plain(&["a"])).await.unwrap();
    assert!(accepted.log_append_time > 1_600_000_000_000);
    accepted.commit.await.unwrap();
    let newest = partition.max_timestamp().await.unwrap().unwrap();
    assert_eq!((newest.timestamp, newest.offset), (accepted.log_append_time, 0));

    let mut config = PartitionConfig {
        timestamp_before_max_ms: 1_000,
        ..PartitionConfig::default()
    };
    partition.set_config(config.clone());
    assert!(matches!(
        partition.append(plain(&["old"])).await,
        Err(AppendError::InvalidTimestamp { .. })
    ));

    config = PartitionConfig::default();
    config.log.compact = true;
    partition.set_config(config);
    let refused = partition.append(plain(&["no key"])).await.unwrap_err();
    assert!(
        refused.to_string().contains("give every record a key"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_dishonest_largest_timestamp_is_put_right() {
    let host = Host::new();
    let partition = host.open(PartitionConfig::default()).await;
    let mut lie = BytesMut::from(plain(&["a"]).as_ref());
    patch::set_create_time(&mut lie, i64::MAX);
    partition
        .append(lie.freeze())
        .await
        .unwrap()
        .commit
        .await
        .unwrap();
    assert_eq!(partition.max_timestamp().await.unwrap().unwrap().timestamp, 1_000);
}

#[tokio::test]
async fn the_topics_codec_replaces_the_producers() {
    let host = Host::new();
    let config = PartitionConfig {
        compression: Some(Compression::Zstd),
        ..PartitionConfig::default()
    };
    let partition = host.open(config).await;
    let sent = idempotent(&["a", "b"], 0, 0);
    partition
        .append(sent.clone())
        .await
        .unwrap()
        .commit
        .await
        .unwrap();
    assert!(partition.append(sent).await.unwrap().duplicate);
    let fetched = partition.fetch(0, 1 << 20).await.unwrap();
    let whole: BytesMut = fetched
        .batches
        .chunks
        .iter()
        .flat_map(|chunk| chunk.to_vec())
        .collect();
    let stored = batch::split(whole.freeze()).next().unwrap().unwrap();
    assert_eq!(stored.header.attributes.compression().unwrap(), Compression::Zstd);
    assert_eq!(values(&partition, 0).await.len(), 2);
}

#[tokio::test]
async fn a_long_poll_is_woken_by_a_commit_and_by_removal() {
    let host = Host::new();
    let partition = host.open(PartitionConfig::default()).await;
    let waiter = FetchWaiter::new();
    partition.wait(&waiter);
    let poll = tokio::spawn(async move { waiter.woken().await });
    partition.append(plain(&["a"])).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), poll)
        .await
        .unwrap()
        .unwrap();

    let waiter = FetchWaiter::new();
    partition.wait(&waiter);
    host.partitions.remove(TOPIC, 0).await;
    tokio::time::timeout(Duration::from_secs(10), waiter.woken())
        .await
        .unwrap();
    assert!(matches!(partition.fetch(0, 100).await, Err(FetchError::Closed)));
    assert!(partition.append(plain(&["b"])).await.is_err());
    assert!(host.partitions.get(TOPIC, 0).is_none());
    assert!(!partition.dir().exists(), "its files are gone");
}

#[tokio::test]
async fn every_flush_level_commits() {
    for flush in [
        FlushPolicy::Always,
        FlushPolicy::Interval(Duration::from_millis(1)),
        FlushPolicy::Os,
    ] {
        let host = Host::new();
        let partition = host
            .open(PartitionConfig {
                flush,
                ..PartitionConfig::default()
            })
            .await;
        let mut commits = Vec::new();
        for i in 0..200 {
            let accepted = partition.append(plain(&["a"])).await.unwrap();
            assert_eq!(accepted.base_offset, i);
            commits.push(accepted.commit);
        }
        for commit in commits {
            tokio::time::timeout(Duration::from_secs(20), commit)
                .await
                .unwrap()
                .unwrap();
        }
        assert_eq!(partition.offsets().high_watermark, 200);
    }
}

#[tokio::test]
async fn deleted_records_stay_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::at(dir.path());
    let partition = host.open(PartitionConfig::default()).await;
    for _ in 0..5 {
        partition
            .append(plain(&["a", "b"]))
            .await
            .unwrap()
            .commit
            .await
            .unwrap();
    }
    assert_eq!(partition.delete_records(5).await.unwrap(), 5);
    assert!(matches!(
        partition.delete_records(11).await,
        Err(FetchError::OutOfRange { .. })
    ));
    assert!(matches!(
        partition.fetch(4, 100).await,
        Err(FetchError::OutOfRange { start: 5, .. })
    ));
    drop((partition, host));
    let host = Host::at(dir.path());
    assert_eq!(host.open(PartitionConfig::default()).await.offsets().log_start, 5);
}

#[tokio::test]
async fn a_sweep_removes_what_deleted_topics_left_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::at(dir.path());
    host.open(PartitionConfig::default()).await;
    host.partitions.close_all().await;
    let gone = dir.path().join(Uuid::from_u128(7).to_string()).join("0");
    std::fs::create_dir_all(&gone).unwrap();
    std::fs::create_dir_all(dir.path().join("lost+found")).unwrap();
    host.partitions.sweep(&|topic, _| topic == TOPIC).unwrap();
    assert!(!gone.exists());
    assert!(dir.path().join("lost+found").exists());
    assert!(dir.path().join(TOPIC.to_string()).join("0").exists());
}
