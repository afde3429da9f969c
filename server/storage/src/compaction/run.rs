//! A run: passes over the log, each in two readings.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tidemill_wire::batch::Batch;

use super::filter::{Filter, visit_keys};
use super::keys::LastOffsets;
use super::plan::Range;
use super::rewrite::{Input, Pass};
use super::{Compaction, CompactionOrder};
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::log::Log;
use crate::segment::Segment;
use crate::walk::{Stop, Walk};

/// Why a pass ended.
enum End {
    /// It is done.
    Done,
    /// It was cancelled, or the segments changed under it.
    Early,
}

impl Log {
    /// Compacts closed segments below `order.upto`, whether [`Log::dirtiness`] says that it pays or not. All
    /// appended before the call is made durable first.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`]: a segment cannot be read; it and those after it stay as they are, and later
    /// calls fail likewise until the log is opened again. [`StorageError::Io`]: the disk is full or failed; the
    /// log stands and the next call may succeed. [`StorageError::Failed`]: the disk failed in the middle of
    /// a swap, and the log takes nothing more until it is opened again.
    pub fn compact(&self, order: &CompactionOrder<'_>) -> Result<Compaction, StorageError> {
        let _one_at_a_time = self
            .compaction
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(what) = self.compaction.broken() {
            let dir = self.dir.display().to_string();
            return Err(StorageError::Corrupt { dir, what });
        }
        let done = self.run(order);
        if let Err(StorageError::Corrupt { what, .. }) = &done {
            self.compaction.lock().broken = Some(what.clone());
        }
        done
    }

    /// Why compaction of this log has stopped until it is opened again: where a segment cannot be read.
    #[must_use]
    pub fn compaction_stopped(&self) -> Option<String> {
        self.compaction.broken()
    }

    fn run(&self, order: &CompactionOrder<'_>) -> Result<Compaction, StorageError> {
        // What a rewritten segment supersedes must survive a crash as well as it does.
        let durable = self.sync()?;
        // Gaps are a sign of damage from the recovery point on, so nothing there may get any; a segment that is
        // closed after the sync above lies beyond it.
        let closed = self.recovery_point.load(Ordering::Acquire);
        let upto = order.upto.min(durable).min(closed);
        let config = self.config();
        let mut done = Compaction::default();
        let mut end = 0;
        while !self.ends_early(order) {
            let range = self.compactable(upto, order.now_ms, &config)?;
            done.clean_upto = range.first_dirty;
            if range.first_dirty >= range.end {
                break;
            }
            if done.passes == 0 {
                end = range.end;
                (done.bytes_before, done.segments_before) = self.weigh(end);
            }
            done.passes += 1;
            if matches!(self.pass(range, order, &config)?, End::Early) {
                done.interrupted = true;
                break;
            }
        }
        done.interrupted |= self.ends_early(order);
        (done.bytes_after, done.segments_after) = self.weigh(end);
        Ok(done)
    }

    pub(super) fn ends_early(&self, order: &CompactionOrder<'_>) -> bool {
        self.compaction.is_stopping() || (order.cancelled)()
    }

    fn weigh(&self, end: i64) -> (u64, usize) {
        let segments = self.closed_below(end);
        let bytes = segments.iter().map(|(segment, _)| segment.size()).sum();
        (bytes, segments.len())
    }

    fn pass(
        &self,
        range: Range,
        order: &CompactionOrder<'_>,
        config: &LogConfig,
    ) -> Result<End, StorageError> {
        let Some((keys, end)) = self.note_keys(range, order)? else {
            return Ok(End::Early);
        };
        let all = self.all_segments();
        let active = all.last().map_or(0, |active| active.base_offset);
        let filter = Filter {
            keys: &keys,
            start: self.offsets().start,
            end,
            now_ms: order.now_ms,
            delete_retention_ms: config.delete_retention_ms,
            // The last batch before an active segment that may be empty stays, so that a reader below finds
            // its way to the end of the log.
            must_stay: &|header| header.next_offset() == active || (order.last_of_producer)(header),
        };
        let segments = self.closed_below(end);
        let input = |(segment, next): (Arc<Segment>, i64)| Input {
            size: segment.size(),
            segment,
            next,
        };
        let inputs: Vec<Input> = segments.into_iter().map(input).collect();
        let pass = Pass {
            log: self,
            order,
            config,
            filter,
        };
        let mut rest = inputs.as_slice();
        // Oldest first: a tombstone is not touched before all that it deletes is gone.
        while !rest.is_empty() {
            match pass.rewrite(rest)? {
                Some(taken) => rest = rest.get(taken..).unwrap_or_default(),
                None => return Ok(End::Early),
            }
        }
        self.compaction
            .cleaned(self.env.disk.as_ref(), &self.dir, end)
            .map_err(|error| StorageError::io("compacting", &self.dir, &error))?;
        // Readers at the end of the log should not be shown what is gone.
        self.lock_cache().forget_below(end);
        Ok(End::Done)
    }

    /// Notes the last offset of every key from `range.first_dirty` on. Answers the table and the offset up
    /// to which it reaches; `None` when cancelled.
    fn note_keys(
        &self,
        range: Range,
        order: &CompactionOrder<'_>,
    ) -> Result<Option<(LastOffsets, i64)>, StorageError> {
        let seed = (self.env.random.next_u64(), self.env.random.next_u64());
        let mut keys = LastOffsets::new(order.map_bytes, seed);
        let mut full_at = None;
        for (segment, next) in self.closed_below(range.end) {
            if next <= range.first_dirty {
                continue;
            }
            let flow = self.each_batch(&segment, segment.size(), order, &mut |batch| {
                if batch.header.next_offset() <= range.first_dirty {
                    return Ok(true);
                }
                let count = usize::try_from(batch.header.record_count).unwrap_or(0);
                if !keys.has_room(count) {
                    full_at = Some(batch.header.base_offset);
                    return Ok(false);
                }
                let noted = visit_keys(batch, &mut |key, offset| keys.note(key, offset));
                noted.map_err(|error| Stop::Bad(error.to_string()))?;
                Ok(true)
            })?;
            if let Some(end) = full_at {
                return Ok(Some((keys, end)));
            }
            if !flow {
                return Ok(None);
            }
        }
        Ok(Some((keys, range.end)))
    }

    /// Shows the batches of `segment`, each checked, until `visit` says false. Answers false when it did, or
    /// when the run is cancelled.
    pub(super) fn each_batch(
        &self,
        segment: &Segment,
        size: u64,
        order: &CompactionOrder<'_>,
        visit: &mut dyn FnMut(&Batch) -> Result<bool, Stop>,
    ) -> Result<bool, StorageError> {
        let io = |error: io::Error| StorageError::io("compacting", segment.path(), &error);
        let mut walk = Walk::new(segment.file().map_err(io)?, 0, size);
        let mut step = || -> Result<Option<bool>, Stop> {
            let Some((batch, _)) = walk.next_batch()? else {
                return Ok(None);
            };
            let checked = batch.verify_crc();
            checked.map_err(|error| Stop::Bad(format!("{error} at offset {}", batch.header.base_offset)))?;
            visit(&batch).map(Some)
        };
        while !self.ends_early(order) {
            match step() {
                Ok(None) => return Ok(true),
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Ok(false),
                Err(Stop::Bad(reason)) => return Err(self.corrupt(segment, &reason)),
                Err(Stop::Io(error)) => return Err(io(error)),
            }
        }
        Ok(false)
    }
}
