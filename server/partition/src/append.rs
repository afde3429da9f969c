//! Taking records in.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use tidemill_raft::Commit;
use tidemill_wire::batch::Batch;
use tokio::sync::Semaphore;

use crate::config::{PartitionConfig, TimestampType};
use crate::error::AppendError;
use crate::ingest::Ingest;
use crate::partition::Partition;
use crate::producer::Sequence;
use crate::validate;

/// Unsynced bytes above which writers wait for the disk, so that the kernel never has to stop them.
const MOST_UNSYNCED: u64 = 256 << 20;

/// Batches that are unfolded at once, in the whole process: a flood of small ones that unfold to much is then
/// bounded in memory, and takes its turn.
static UNFOLDING: Semaphore = Semaphore::const_new(16);

/// Records that have their place in the log.
#[derive(Debug)]
pub struct Accepted {
    /// Offset of the first record.
    pub base_offset: i64,
    /// One past the offset of the last.
    pub next_offset: i64,
    /// The server's time stamp when the topic is stamped by the server; else -1.
    pub log_append_time: i64,
    /// First offset of the log.
    pub log_start_offset: i64,
    /// The batch had been stored before: these are its offsets from then.
    pub duplicate: bool,
    /// Completes once the records are committed. An `acks=all` producer awaits it; others drop it.
    pub commit: Commit,
}

impl Partition {
    /// Checks one batch as a producer sent it and puts it at the end of the log.
    ///
    /// Batches are ordered as the calls are first polled up to their checks; a caller that must keep
    /// its own order awaits each call before the next, and the [`Accepted::commit`]s afterwards.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was stored then, save for a disk failure in the middle of a write, which
    /// ends the partition and is cut off at the next start.
    ///
    /// # Cancellation
    /// Dropping the future before it completes may or may not have stored the batch.
    pub async fn append(&self, records: Bytes) -> Result<Accepted, AppendError> {
        self.append_through(records, None).await
    }

    /// As [`Partition::append`]; what is stored is what `ingest` makes of the batch.
    ///
    /// # Errors
    /// As [`Partition::append`], and [`AppendError::Ingest`].
    ///
    /// # Cancellation
    /// As [`Partition::append`].
    pub async fn append_through(
        &self,
        records: Bytes,
        ingest: Option<&dyn Ingest>,
    ) -> Result<Accepted, AppendError> {
        let config = self.config();
        let now_ms = self.env().clock.wall_ms();
        let batch = match validate::validate_at_once(&records, &config, now_ms) {
            Some(checked) => checked?,
            None => self.validate_aside(records, Arc::clone(&config), now_ms).await?,
        };
        if self.replicator().unsynced_bytes() > MOST_UNSYNCED {
            self.wait_for_disk().await?;
        }
        let stamped = config.timestamp_type == TimestampType::LogAppendTime;
        let log_append_time = if stamped { now_ms } else { -1 };
        if ingest.is_some() || config.dedup.is_some() {
            let times = (log_append_time, now_ms);
            return self.order_through(batch, ingest, &config, times).await;
        }
        self.order(batch, log_append_time, now_ms)
    }

    /// Checks a batch that takes work on a thread of its own.
    async fn validate_aside(
        &self,
        records: Bytes,
        config: Arc<PartitionConfig>,
        now_ms: i64,
    ) -> Result<Batch, AppendError> {
        // Never closed.
        let place = UNFOLDING.acquire().await.map_err(|_| AppendError::Stopping)?;
        let work = move || {
            // Until the work is done, though nobody may wait for it any more.
            let _place = place;
            validate::validate(records, &config, now_ms)
        };
        self.env()
            .blocking(work)
            .await
            .map_err(|_| AppendError::Stopping)?
    }

    /// Takes the batch's place in the log, if its producer's sequence allows.
    pub(crate) fn order(
        &self,
        batch: Batch,
        log_append_time: i64,
        now_ms: i64,
    ) -> Result<Accepted, AppendError> {
        let header = batch.header;
        let replicator = self.replicator();
        let mut producers = self.producers.lock().unwrap_or_else(PoisonError::into_inner);
        let idempotent = header.producer_id >= 0;
        if idempotent
            && let Sequence::Duplicate {
                base_offset,
                next_offset,
                timestamp,
            } = producers.check(&header)?
        {
            drop(producers);
            let stamp = (log_append_time >= 0).then_some(timestamp);
            return Ok(self.accepted_before(base_offset, next_offset, stamp));
        }
        let proposed = replicator.propose(std::slice::from_ref(&batch))?;
        if idempotent {
            producers.stored(&header, proposed.base_offset, now_ms);
        }
        drop(producers);
        Ok(Accepted {
            base_offset: proposed.base_offset,
            next_offset: proposed.next_offset,
            log_append_time,
            log_start_offset: replicator.log().offsets().start,
            duplicate: false,
            commit: replicator.committed(proposed.next_offset),
        })
    }

    /// What is answered for a batch that was stored before, at these offsets; `stamp` is its time if the server set it.
    pub(crate) fn accepted_before(&self, base_offset: i64, next_offset: i64, stamp: Option<i64>) -> Accepted {
        let replicator = self.replicator();
        Accepted {
            base_offset,
            next_offset,
            log_append_time: stamp.unwrap_or(-1),
            log_start_offset: replicator.log().offsets().start,
            duplicate: true,
            commit: replicator.committed(next_offset),
        }
    }

    async fn wait_for_disk(&self) -> Result<(), AppendError> {
        let log = self.replicator().log().clone();
        // Its error also reaches the replicator at the next flush, which ends the partition.
        let synced = self.env().blocking(move || log.sync().map(drop)).await;
        let synced = synced.map_err(|_| AppendError::Stopping)?;
        synced.map_err(|error| tidemill_raft::ReplicateError::from_storage(&self.name(), &error).into())
    }
}
