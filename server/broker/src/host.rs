//! Keeping the partitions open that the metadata puts here: level-triggered, by comparing what should
//! be with what is, after every change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tidemill_metadata::TopicImage;
use tidemill_partition::{FlushPolicy, PartitionConfig, PartitionSpec, TimestampType};
use tidemill_resource::TopicConfig;
use tidemill_storage::{CacheBudget, LogConfig};
use tidemill_wire::codec::Compression;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Broker;

/// Partitions opened at once: opening waits for the disk.
const AT_ONCE: usize = 16;
/// Pause before a partition that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Follows the metadata until `stop` is cancelled.
///
/// `done` is called after each round: what is open may have changed.
pub async fn run(broker: Arc<Broker>, cache: Arc<CacheBudget>, stop: CancellationToken, done: impl Fn()) {
    let mut images = broker.metadata.watch();
    loop {
        images.mark_unchanged();
        let settled = reconcile(&broker, &cache).await;
        done();
        let pause = broker
            .env
            .clock
            .sleep(if settled { Duration::from_secs(3600) } else { RETRY });
        tokio::select! {
            changed = images.changed() => if changed.is_err() { return },
            () = pause => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Opens, changes and removes once; says whether all is as it should be.
pub async fn reconcile(broker: &Arc<Broker>, cache: &Arc<CacheBudget>) -> bool {
    let image = broker.metadata.image();
    let mut wanted = Vec::new();
    let mut ids = BTreeSet::new();
    for topic in image.topics() {
        let config = partition_config(&topic.resolved, cache);
        for (index, partition) in (0..).zip(topic.partitions.iter()) {
            if partition.replicas.contains(&broker.config.node_id) {
                ids.insert((topic.id, index));
                wanted.push(spec(topic, index, partition.leader_epoch, &config));
            }
        }
    }
    let opened = stream::iter(wanted)
        .map(|spec| open(broker, spec))
        .buffer_unordered(AT_ONCE);
    let settled = opened.all(|opened| async move { opened }).await;
    for partition in broker.partitions.all() {
        let id = (partition.topic_id(), partition.index());
        // A topic made after the image was taken is not ours to remove.
        if !ids.contains(&id) && broker.metadata.image().topic_by_id(id.0).is_none() {
            broker.partitions.remove(id.0, id.1).await;
        }
    }
    settled
}

async fn open(broker: &Arc<Broker>, spec: PartitionSpec) -> bool {
    if let Some(partition) = broker.partitions.get(spec.topic_id, spec.index) {
        partition.set_config(spec.config);
        return true;
    }
    match broker.partitions.open(spec).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%error, "a partition cannot be opened; it is tried again");
            false
        }
    }
}

fn spec(topic: &TopicImage, index: i32, leader_epoch: i32, config: &PartitionConfig) -> PartitionSpec {
    PartitionSpec {
        topic_id: topic.id,
        topic: topic.name.clone(),
        index,
        leader_epoch,
        config: config.clone(),
    }
}

/// A topic's settings as its partitions take them.
#[must_use]
pub fn partition_config(topic: &TopicConfig, cache: &Arc<CacheBudget>) -> PartitionConfig {
    use tidemill_resource::topic_config::FlushPolicy as Flush;
    use tidemill_resource::{Compression as Named, TimestampType as Stamp};
    let interval = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(1));
    PartitionConfig {
        log: LogConfig {
            segment_bytes: topic.segment_bytes,
            segment_age_ms: topic.segment_ms,
            index_interval_bytes: topic.index_interval_bytes,
            retention_ms: topic.retention_ms,
            retention_bytes: topic.retention_bytes,
            compact: topic.cleanup.compact,
            delete: topic.cleanup.delete,
            min_cleanable_ratio: topic.min_cleanable_dirty_ratio,
            delete_retention_ms: topic.delete_retention_ms,
            min_compaction_lag_ms: topic.min_compaction_lag_ms,
            cache: Arc::clone(cache),
            ..LogConfig::default()
        },
        flush: match topic.flush {
            Flush::Always => FlushPolicy::Always,
            Flush::Interval { ms } => FlushPolicy::Interval(interval(ms)),
            Flush::Os => FlushPolicy::Os,
        },
        max_message_bytes: topic.max_message_bytes,
        timestamp_type: match topic.timestamp_type {
            Stamp::CreateTime => TimestampType::CreateTime,
            Stamp::LogAppendTime => TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: topic.timestamp_before_max_ms,
        timestamp_after_max_ms: topic.timestamp_after_max_ms,
        compression: match topic.compression {
            Named::Producer => None,
            Named::None => Some(Compression::None),
            Named::Gzip => Some(Compression::Gzip),
            Named::Snappy => Some(Compression::Snappy),
            Named::Lz4 => Some(Compression::Lz4),
            Named::Zstd => Some(Compression::Zstd),
        },
    }
}

/// Waits until every partition of the topic that belongs here is open; false when `timeout` passes first.
pub(crate) async fn wait_open(broker: &Broker, topic_id: Uuid, timeout: Duration) -> bool {
    const LOOK: Duration = Duration::from_millis(1);
    let deadline = broker.env.clock.monotonic() + timeout;
    loop {
        let image = broker.metadata.image();
        // Deleted again by somebody else: nothing to wait for.
        let Some(topic) = image.topic_by_id(topic_id) else {
            return true;
        };
        let mut local = (0..).zip(topic.partitions.iter());
        let here = broker.config.node_id;
        if local
            .all(|(index, partition)| partition.leader != here || broker.partition(topic, index).is_some())
        {
            return true;
        }
        if broker.env.clock.monotonic() >= deadline {
            return false;
        }
        broker.env.clock.sleep(LOOK).await;
    }
}
