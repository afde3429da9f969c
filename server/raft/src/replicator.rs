//! The seam: order, then commit.

use std::sync::Arc;
use std::time::Duration;

use tidemill_storage::{Log, StorageError};
use tidemill_wire::batch::Batch;

use crate::commit::Commit;

/// Why records could not be ordered or committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReplicateError {
    /// The disk is full: nothing was acknowledged; free space and restart the server.
    #[error("the disk that holds {log} is full; free space or add disk, then restart the server")]
    Full {
        /// The log's directory.
        log: String,
    },
    /// The log failed for good on this node. Acknowledged records stay readable.
    #[error(
        "log {log} has failed and takes no more records: {reason}; check the disk, then restart the server"
    )]
    Failed {
        /// The log's directory.
        log: String,
        /// What failed first.
        reason: String,
    },
    /// The log is closed: its topic was deleted or the server is stopping.
    #[error("log {log} is closed: its topic was deleted or the server is stopping")]
    Closed {
        /// The log's directory.
        log: String,
    },
}

impl ReplicateError {
    /// What a storage error means to who proposed records to `log`.
    #[must_use]
    pub fn from_storage(log: &str, error: &StorageError) -> Self {
        match error {
            StorageError::Full { .. } => Self::Full { log: log.to_owned() },
            other => Self::Failed {
                log: log.to_owned(),
                reason: other.to_string(),
            },
        }
    }
}

/// Where proposed records stand in the log. They are ordered, not yet committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposed {
    /// Offset of the first record.
    pub base_offset: i64,
    /// One past the offset of the last record.
    pub next_offset: i64,
}

/// Hears what a replicator does, on whatever thread it happens: be quick, never block.
pub trait Observer: Send + Sync {
    /// The high watermark moved up to `offset`.
    fn committed(&self, offset: i64);

    /// `bytes` were made durable in `took`.
    fn flushed(&self, bytes: u64, took: Duration);

    /// No more records will be committed: the log failed or was closed. Told once.
    fn ended(&self, why: &ReplicateError);
}

/// Orders batches in a log and commits them. One writer at a time: callers serialise
/// [`Replicator::propose`] themselves when their own checks must hold at the moment of ordering.
pub trait Replicator: Send + Sync {
    /// Puts `batches` at the end of the log, in order, with their offsets and the leader epoch set.
    /// Does not wait for disk or peers; bounded by a copy into the page cache.
    ///
    /// # Errors
    /// [`ReplicateError`]; nothing of `batches` will ever be committed then.
    fn propose(&self, batches: &[Batch]) -> Result<Proposed, ReplicateError>;

    /// Completes once every record below `offset` is committed. Cancel by dropping.
    fn committed(&self, offset: i64) -> Commit;

    /// One past the last committed record. Readers see nothing at or above it.
    fn high_watermark(&self) -> i64;

    /// The epoch under which this node leads.
    fn leader_epoch(&self) -> i32;

    /// Bytes proposed and not yet durable on this node.
    fn unsynced_bytes(&self) -> u64;

    /// Changes how durable a committed record is. Records already committed stay committed.
    fn set_flush(&self, policy: crate::FlushPolicy);

    /// The log behind it, for reading.
    fn log(&self) -> &Arc<Log>;

    /// Makes everything durable and ends: waiting commits complete, later proposals are refused.
    /// Blocks on disk.
    ///
    /// # Errors
    /// [`ReplicateError::Failed`] when the last flush failed.
    fn close(&self) -> Result<(), ReplicateError>;

    /// Ends at once, without flushing: for a log that is about to be deleted.
    fn abandon(&self);
}
