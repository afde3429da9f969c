//! What a log is told about itself.

use std::sync::Arc;

use crate::cache::CacheBudget;

/// Settings of one log. Times in milliseconds, sizes in bytes.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A segment is closed before it would grow past this. At most 2 GiB, as positions in the index
    /// are 32 bits wide.
    pub segment_bytes: u64,
    /// A segment is closed when its first record is older than this.
    pub segment_age_ms: i64,
    /// Bytes of log between two index entries.
    pub index_interval_bytes: u32,
    /// Closed segments whose newest record is older than this are removed; `None` keeps them.
    pub retention_ms: Option<i64>,
    /// Closed segments are removed while the log is larger than this; `None` keeps them.
    pub retention_bytes: Option<u64>,
    /// Whether old values of a key are removed.
    pub compact: bool,
    /// Whether retention removes segments.
    pub delete: bool,
    /// Part of the log, 0 to 1, that must be uncompacted before compaction pays.
    pub min_cleanable_ratio: f64,
    /// How long compaction keeps a tombstone.
    pub delete_retention_ms: i64,
    /// Records younger than this are not compacted.
    pub min_compaction_lag_ms: i64,
    /// Records older than this are compacted whatever the ratio.
    pub max_compaction_lag_ms: i64,
    /// Most bytes of recent batches kept in memory.
    pub tail_cache_bytes: usize,
    /// The memory that all logs of the process share for recent batches.
    pub cache: Arc<CacheBudget>,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_age_ms: 7 * 24 * 3600 * 1000,
            index_interval_bytes: 4096,
            retention_ms: None,
            retention_bytes: None,
            compact: false,
            delete: true,
            min_cleanable_ratio: 0.5,
            delete_retention_ms: 24 * 3600 * 1000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            tail_cache_bytes: 8 << 20,
            cache: Arc::new(CacheBudget::new(64 << 20)),
        }
    }
}
