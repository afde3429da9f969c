//! Where the coordinator's records go.

use bytes::Bytes;
use tidemill_env::BoxFuture;

/// Why a record log did not take, commit or give records.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct LogError(pub String);

/// Key, and value or tombstone.
pub type RawRecord = (Bytes, Option<Bytes>);

/// Completes when the records are committed.
pub type Committed = BoxFuture<'static, Result<(), LogError>>;

/// Takes what is replayed: key, and value or tombstone.
pub type Visitor = Box<dyn FnMut(&[u8], Option<&[u8]>) + Send>;

/// The partitions of `__consumer_offsets`.
pub trait GroupLog: Send + Sync {
    /// Whether the partition is open here.
    fn is_open(&self, partition: i32) -> bool;

    /// Appends records in one batch. Completes when they have their place, with the wait for the
    /// commit. The caller awaits one append before the next.
    fn append(
        &self,
        partition: i32,
        records: Vec<RawRecord>,
    ) -> BoxFuture<'static, Result<Committed, LogError>>;

    /// Hands every committed record to `visitor`, oldest first, and gives the visitor back dropped.
    fn replay(&self, partition: i32, visitor: Visitor) -> BoxFuture<'static, Result<(), LogError>>;
}
