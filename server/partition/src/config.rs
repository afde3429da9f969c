//! What a topic asks of its partitions.

use tidemill_raft::FlushPolicy;
use tidemill_storage::LogConfig;
use tidemill_wire::codec::Compression;

/// Whose clock stamps the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The server's, at the moment of append.
    LogAppendTime,
}

/// Settings of one partition, resolved from its topic's.
#[derive(Debug, Clone)]
pub struct PartitionConfig {
    /// Segments, retention, compaction.
    pub log: LogConfig,
    /// What a commit promises.
    pub flush: FlushPolicy,
    /// Largest batch taken, in bytes as sent.
    pub max_message_bytes: usize,
    /// Whose clock stamps the records.
    pub timestamp_type: TimestampType,
    /// How far in the past a create time may lie, in milliseconds.
    pub timestamp_before_max_ms: i64,
    /// How far in the future a create time may lie, in milliseconds.
    pub timestamp_after_max_ms: i64,
    /// The codec that stored batches must have; `None` keeps the producer's.
    pub compression: Option<Compression>,
    /// Whether records that were there before are left out.
    pub dedup: Option<Dedup>,
}

impl Default for PartitionConfig {
    /// Kafka's defaults, and a commit that means disk.
    fn default() -> Self {
        Self {
            log: LogConfig::default(),
            flush: FlushPolicy::Always,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compression: None,
            dedup: None,
        }
    }
}

/// Leaves out records that were there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedup {
    /// How long a record is remembered, in milliseconds.
    pub window_ms: i64,
    /// What makes two records the same.
    pub by: DedupBy,
}

/// What makes two records the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DedupBy {
    /// Their keys; a record without one is like no other.
    Key,
    /// Their values; a record without one is like no other.
    Value,
    /// The values of the first header of this name; a record without it is like no other.
    Header(String),
}
