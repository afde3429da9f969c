//! Giving records out.

use std::sync::Arc;

use tidemill_storage::{Slices, StorageError, TimestampOffset};

use crate::error::FetchError;
use crate::partition::Partition;
use crate::wait::FetchWaiter;

/// Stored bytes, and where the log stood when they were read.
#[derive(Debug)]
pub struct Fetched {
    /// Whole batches as stored. The first may begin before the offset asked for: readers skip.
    pub slices: Slices,
    /// One past the last committed record.
    pub high_watermark: i64,
    /// First offset of the log.
    pub log_start_offset: i64,
}

impl Partition {
    /// Committed batches from the one that holds `from` on, up to `max_bytes`, but at least one whole
    /// batch when there is one. Empty when `from` is at the end.
    ///
    /// Recent batches come from memory at once; older ones are read on a thread that may block.
    ///
    /// # Errors
    /// [`FetchError`].
    ///
    /// # Cancellation
    /// Dropping the future loses nothing.
    pub async fn fetch(&self, from: i64, max_bytes: usize) -> Result<Fetched, FetchError> {
        if self.is_closed() {
            return Err(FetchError::Closed);
        }
        let log = self.replicator().log();
        let offsets = log.offsets();
        if from < offsets.start || from > offsets.end {
            return Err(FetchError::OutOfRange {
                offset: from,
                start: offsets.start,
                end: offsets.end,
            });
        }
        let high_watermark = self.replicator().high_watermark();
        let found = |slices| Fetched {
            slices,
            high_watermark,
            log_start_offset: offsets.start,
        };
        if from >= high_watermark {
            return Ok(found(Slices::empty(from)));
        }
        if let Some(slices) = log.read_cached(from, high_watermark, max_bytes) {
            return Ok(found(slices));
        }
        let log = Arc::clone(log);
        let read = self
            .env()
            .blocking(move || log.read(from, high_watermark, max_bytes))
            .await;
        match read.map_err(|_| FetchError::Closed)? {
            Ok(slices) => Ok(found(slices)),
            Err(StorageError::OffsetOutOfRange { start, end, .. }) => Err(FetchError::OutOfRange {
                offset: from,
                start,
                end,
            }),
            Err(error) => Err(FetchError::Storage(error.to_string())),
        }
    }

    /// Wakes `waiter` once, at the next commit or when the partition is closed. Register first, then
    /// look, then wait: what comes in between is not missed.
    pub fn wait(&self, waiter: &Arc<FetchWaiter>) {
        self.waiters().register(waiter);
        if self.is_closed() {
            self.waiters().wake_all();
        }
    }

    /// The first committed record whose timestamp is `timestamp` (milliseconds) or later.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>, FetchError> {
        let log = Arc::clone(self.replicator().log());
        let found = self
            .env()
            .blocking(move || log.offset_for_timestamp(timestamp))
            .await;
        self.committed_only(found.map_err(|_| FetchError::Closed)?)
    }

    /// The committed record with the largest timestamp.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn max_timestamp(&self) -> Result<Option<TimestampOffset>, FetchError> {
        let log = Arc::clone(self.replicator().log());
        let found = self.env().blocking(move || log.max_timestamp()).await;
        self.committed_only(found.map_err(|_| FetchError::Closed)?)
    }

    fn committed_only(
        &self,
        found: Result<Option<TimestampOffset>, StorageError>,
    ) -> Result<Option<TimestampOffset>, FetchError> {
        let found = found.map_err(|error| FetchError::Storage(error.to_string()))?;
        let high_watermark = self.replicator().high_watermark();
        Ok(found.filter(|found| found.offset < high_watermark))
    }

    /// The last epoch that is `epoch` or earlier, and the offset at which it ended (KIP-101).
    #[must_use]
    pub fn epoch_end_offset(&self, epoch: i32) -> (i32, i64) {
        self.replicator().log().epoch_end_offset(epoch)
    }
}
