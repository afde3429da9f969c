//! Key compaction of a partition's log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use rustc_hash::FxHashMap;
use tidemill_storage::{Compaction, CompactionOrder, Dirtiness};
use tidemill_wire::batch::BatchHeader;

use crate::partition::Partition;

impl Partition {
    /// How much of the log waits for compaction. Blocks on disk, shortly.
    ///
    /// # Errors
    /// A sentence, when the log cannot be read.
    pub fn dirtiness(&self) -> Result<Dirtiness, String> {
        let now_ms = self.env().clock.wall_ms();
        let replicator = self.replicator();
        let found = replicator.log().dirtiness(replicator.high_watermark(), now_ms);
        found.map_err(|error| error.to_string())
    }

    /// Why the log is not compacted any more until it is opened again: a segment that cannot be read.
    #[must_use]
    pub fn compaction_stopped(&self) -> Option<String> {
        self.replicator().log().compaction_stopped()
    }

    /// Compacts what is committed and not in the active segment, with at most `map_bytes` for the table of
    /// keys. Ends early once `stop` is set or the partition is closed.
    ///
    /// # Errors
    /// A sentence; the log is whole nevertheless, or has failed as its disk did.
    ///
    /// # Cancellation
    /// Dropping the future does not stop it; set `stop`.
    pub async fn compact(
        self: &Arc<Self>,
        map_bytes: usize,
        stop: Arc<AtomicBool>,
    ) -> Result<Compaction, String> {
        let this = Arc::clone(self);
        let work = move || this.compact_blocking(map_bytes, &stop);
        self.env()
            .blocking(work)
            .await
            .map_err(|error| error.to_string())?
    }

    fn compact_blocking(&self, map_bytes: usize, stop: &AtomicBool) -> Result<Compaction, String> {
        let now_ms = self.env().clock.wall_ms();
        // First of all: every batch below is then known to the producers' state.
        let upto = self.replicator().high_watermark();
        let last = self.last_offsets(upto);
        // The snapshot remembers what an emptied batch no longer tells after a crash.
        self.checkpoint_producers(now_ms)?;
        let order = CompactionOrder {
            upto,
            now_ms,
            map_bytes,
            last_of_producer: &|header: &BatchHeader| {
                last.get(&header.producer_id) == Some(&header.base_offset)
            },
            cancelled: &|| stop.load(Ordering::Acquire) || self.is_closed(),
        };
        let done = self.replicator().log().compact(&order);
        done.map_err(|error| error.to_string())
    }

    fn last_offsets(&self, upto: i64) -> FxHashMap<i64, i64> {
        let producers = self.producers.lock().unwrap_or_else(PoisonError::into_inner);
        producers.last_offsets(upto)
    }
}
