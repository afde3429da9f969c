//! Giving records out.

use std::sync::Arc;

use tidemill_storage::{Found, Log, Slices, StorageError, TimestampOffset};

use crate::error::FetchError;
use crate::partition::Partition;
use crate::wait::FetchWaiter;

/// Stored batches, and where the log stood when they were found.
#[derive(Debug)]
pub struct Fetched<R = Slices> {
    /// Whole batches as stored. The first may begin before the offset asked for: readers skip.
    pub batches: R,
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
        self.look(from, max_bytes).await
    }

    /// As [`Partition::fetch`], for batches that are only sent on: a long run of them is told by its place in a file.
    ///
    /// # Errors
    /// [`FetchError`].
    ///
    /// # Cancellation
    /// Dropping the future loses nothing.
    pub async fn locate(&self, from: i64, max_bytes: usize) -> Result<Fetched<Found>, FetchError> {
        self.look(from, max_bytes).await
    }

    async fn look<B: Batches>(&self, from: i64, max_bytes: usize) -> Result<Fetched<B>, FetchError> {
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
        let found = |batches| Fetched {
            batches,
            high_watermark,
            log_start_offset: offsets.start,
        };
        if from >= high_watermark {
            return Ok(found(B::none(from)));
        }
        if let Some(batches) = B::at_once(log, from, high_watermark, max_bytes) {
            return Ok(found(batches));
        }
        let log = Arc::clone(log);
        let read = self
            .env()
            .blocking(move || B::in_time(&log, from, high_watermark, max_bytes))
            .await;
        match read.map_err(|_| FetchError::Closed)? {
            Ok(batches) => Ok(found(batches)),
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

/// How a log gives batches.
trait Batches: Sized + Send + 'static {
    fn none(offset: i64) -> Self;
    /// Without waiting for the device.
    fn at_once(log: &Log, from: i64, upto: i64, max_bytes: usize) -> Option<Self>;
    /// On a thread that may block.
    fn in_time(log: &Log, from: i64, upto: i64, max_bytes: usize) -> Result<Self, StorageError>;
}

impl Batches for Slices {
    fn none(offset: i64) -> Self {
        Self::empty(offset)
    }

    fn at_once(log: &Log, from: i64, upto: i64, max_bytes: usize) -> Option<Self> {
        log.read_cached(from, upto, max_bytes)
    }

    fn in_time(log: &Log, from: i64, upto: i64, max_bytes: usize) -> Result<Self, StorageError> {
        log.read(from, upto, max_bytes)
    }
}

impl Batches for Found {
    fn none(offset: i64) -> Self {
        Self::Read(Slices::empty(offset))
    }

    fn at_once(log: &Log, from: i64, upto: i64, max_bytes: usize) -> Option<Self> {
        log.locate_cached(from, upto, max_bytes)
    }

    fn in_time(log: &Log, from: i64, upto: i64, max_bytes: usize) -> Result<Self, StorageError> {
        log.locate(from, upto, max_bytes)
    }
}
