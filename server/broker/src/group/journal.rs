//! Records on their way to the log, and who waits for them.

use std::sync::Arc;

use tidemill_wire::kafka::error::ResponseError;
use tokio::sync::{Notify, watch};

use super::log::RawRecord;
use super::records::Record;

/// How far the log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Every record up to this number is committed.
    Committed(u64),
    /// A write failed: nothing more will be committed.
    Failed,
}

/// Takes records in the order of state changes; a writer drains it in batches.
pub(crate) struct Journal {
    /// As they go into the log.
    queue: Vec<RawRecord>,
    queued_bytes: usize,
    last: u64,
    progress: watch::Receiver<Progress>,
    wake: Arc<Notify>,
}

/// Records that may wait for the log before more are refused.
const MOST_QUEUED: usize = 100_000;
/// And their bytes.
const MOST_QUEUED_BYTES: usize = 64 << 20;

/// Bytes of a record's key and value.
pub(crate) fn size((key, value): &RawRecord) -> usize {
    key.len() + value.as_ref().map_or(0, bytes::Bytes::len)
}

impl Journal {
    pub(crate) fn new(progress: watch::Receiver<Progress>, wake: Arc<Notify>) -> Self {
        Self {
            queue: Vec::new(),
            queued_bytes: 0,
            last: 0,
            progress,
            wake,
        }
    }

    /// The log does not keep up: take no more requests that write.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= MOST_QUEUED || self.queued_bytes >= MOST_QUEUED_BYTES
    }

    /// Queues records; answers the number that stands for all of them.
    pub(crate) fn push(&mut self, records: &[Record]) -> u64 {
        if !records.is_empty() {
            for record in records {
                let raw = record.encode();
                self.queued_bytes += size(&raw);
                self.queue.push(raw);
            }
            self.last += 1;
            self.wake.notify_one();
        }
        self.last
    }

    /// What waits, and the number it stands for.
    pub(crate) fn drain(&mut self) -> Option<(Vec<RawRecord>, u64)> {
        self.queued_bytes = 0;
        (!self.queue.is_empty()).then(|| (std::mem::take(&mut self.queue), self.last))
    }

    /// The number of the newest records.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// A wait for the records up to `number`.
    pub(crate) fn ticket(&self, number: u64) -> Ticket {
        Ticket {
            number,
            progress: self.progress.clone(),
        }
    }
}

/// Waits until records are committed.
#[derive(Debug)]
pub(crate) struct Ticket {
    number: u64,
    progress: watch::Receiver<Progress>,
}

impl Ticket {
    /// Completes when the records are committed.
    ///
    /// # Errors
    /// `COORDINATOR_NOT_AVAILABLE` when they will not be: the client finds the coordinator again.
    pub(crate) async fn committed(mut self) -> Result<(), ResponseError> {
        let reached = |progress: &Progress| match progress {
            Progress::Committed(number) => *number >= self.number,
            Progress::Failed => true,
        };
        match self.progress.wait_for(reached).await.as_deref() {
            Ok(Progress::Committed(_)) => Ok(()),
            Ok(Progress::Failed) | Err(_) => Err(ResponseError::CoordinatorNotAvailable),
        }
    }
}
