//! A topic's settings as its partitions take them.

use std::sync::Arc;
use std::time::Duration;

use tidemill_metadata::TopicImage;
use tidemill_partition::{Dedup, DedupBy, FlushPolicy, PartitionConfig, TimestampType};
use tidemill_resource::topic_config::FlushPolicy as Flush;
use tidemill_resource::{Compression as Named, DedupBy as By, TimestampType as Stamp, TopicConfig};
use tidemill_storage::{CacheBudget, LogConfig};
use tidemill_wire::codec::Compression;

/// All of a topic's settings that its partitions follow.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    config: Arc<TopicConfig>,
    dedup: Option<Dedup>,
}

impl Settings {
    pub(super) fn of(topic: &TopicImage) -> Self {
        Self {
            config: Arc::clone(&topic.resolved),
            dedup: topic.spec.dedup.as_ref().map(|dedup| Dedup {
                window_ms: dedup.window.ms(),
                by: match &dedup.by {
                    By::Key => DedupBy::Key,
                    By::Value => DedupBy::Value,
                    By::Header(name) => DedupBy::Header(name.clone()),
                },
            }),
        }
    }
}

/// The settings of a partition of a topic with these.
pub(super) fn partition_config(settings: &Settings, cache: &Arc<CacheBudget>) -> PartitionConfig {
    let topic = &settings.config;
    PartitionConfig {
        log: log_config(topic, cache),
        flush: match topic.flush {
            Flush::Always => FlushPolicy::Always,
            Flush::Interval { ms } => {
                FlushPolicy::Interval(Duration::from_millis(u64::try_from(ms).unwrap_or(1)))
            }
            Flush::Os => FlushPolicy::Os,
        },
        max_message_bytes: topic.max_message_bytes,
        timestamp_type: match topic.timestamp_type {
            Stamp::CreateTime => TimestampType::CreateTime,
            Stamp::LogAppendTime => TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: topic.timestamp_before_max_ms,
        timestamp_after_max_ms: topic.timestamp_after_max_ms,
        dedup: settings.dedup.clone(),
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

fn log_config(topic: &TopicConfig, cache: &Arc<CacheBudget>) -> LogConfig {
    LogConfig {
        segment_bytes: topic.segment_bytes,
        // Only closed segments are compacted, so no record may be in an open one for longer than the lag.
        segment_age_ms: match topic.cleanup.compact {
            true => topic.segment_ms.min(topic.max_compaction_lag_ms),
            false => topic.segment_ms,
        },
        index_interval_bytes: topic.index_interval_bytes,
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes,
        compact: topic.cleanup.compact,
        delete: topic.cleanup.delete,
        min_cleanable_ratio: topic.min_cleanable_dirty_ratio,
        delete_retention_ms: topic.delete_retention_ms,
        min_compaction_lag_ms: topic.min_compaction_lag_ms,
        max_compaction_lag_ms: topic.max_compaction_lag_ms,
        cache: Arc::clone(cache),
        ..LogConfig::default()
    }
}
