//! A run: passes over the log, each in two readings.

use std::io;
use std::sync::{Arc, PoisonError};

use tidemill_wire::batch::{Batch, BatchHeader};

use super::filter::{Fate, Filter, visit_keys};
use super::keys::LastOffsets;
use super::output::Output;
use super::plan::Range;
use super::swap::{self, Undecided};
use super::{Compaction, CompactionOrder};
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::log::Log;
use crate::segment::{Segment, Sizes};
use crate::walk::{Stop, Walk};

/// Room that a compaction leaves on the disk: appends must not fail for its sake.
const LEFT_FREE: u64 = 64 << 20;

/// Why a pass ended.
enum End {
    /// It is done.
    Done,
    /// It was cancelled, or the segments changed under it.
    Early,
}

/// A closed segment as the pass found it.
struct Input {
    segment: Arc<Segment>,
    size: u64,
    /// Base offset of the segment after it.
    next: i64,
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
        let upto = order.upto.min(durable);
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

    fn ends_early(&self, order: &CompactionOrder<'_>) -> bool {
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
        let mut rest = inputs.as_slice();
        // Oldest first: a tombstone is not touched before all that it deletes is gone.
        while !rest.is_empty() {
            match self.rewrite(rest, &filter, order, config)? {
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
    fn each_batch(
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

    /// Writes as many of `inputs` anew as fit into one segment, and puts it in their place. Answers how many;
    /// `None` when cancelled or overtaken.
    fn rewrite(
        &self,
        inputs: &[Input],
        filter: &Filter<'_>,
        order: &CompactionOrder<'_>,
        config: &LogConfig,
    ) -> Result<Option<usize>, StorageError> {
        let Some(first) = inputs.first() else {
            return Ok(Some(0));
        };
        self.check_room(
            first.size.max(
                config
                    .segment_bytes
                    .min(inputs.iter().map(|input| input.size).sum()),
            ),
        )?;
        let io = |error: io::Error| StorageError::io("compacting", &self.dir, &error);
        let disk = Arc::clone(&self.env.disk);
        let base = first.segment.base_offset;
        let mut output = Output::create(disk, &self.dir, base, config.index_interval_bytes).map_err(io)?;
        let written = self.fill(&mut output, inputs, filter, order, config);
        let (taken, changed) = match written {
            Ok(Some(written)) => written,
            Ok(None) => {
                output.discard();
                return Ok(None);
            }
            Err(error) => {
                output.discard();
                return Err(error);
            }
        };
        if taken == 1 && !changed {
            output.discard();
            return Ok(Some(1));
        }
        let inputs = inputs.get(..taken).unwrap_or_default();
        Ok(self.replace(inputs, output, order)?.then_some(taken))
    }

    /// Answers how many of `inputs` went into `output`, and whether anything is other than it was.
    fn fill(
        &self,
        output: &mut Output,
        inputs: &[Input],
        filter: &Filter<'_>,
        order: &CompactionOrder<'_>,
        config: &LogConfig,
    ) -> Result<Option<(usize, bool)>, StorageError> {
        let mut changed = false;
        let mut taken = 0;
        for Input { segment, size, next } in inputs {
            let spans = i32::try_from(next - 1 - output.base_offset()).is_ok();
            let fits = output.size() + size <= config.segment_bytes && spans;
            if taken > 0 && !fits {
                break;
            }
            let whole = self.each_batch(segment, *size, order, &mut |batch| {
                let fate = filter
                    .decide(batch)
                    .map_err(|error| Stop::Bad(error.to_string()))?;
                changed |= !matches!(fate, Fate::Stays);
                match fate {
                    Fate::Stays => output.put(&batch.header, batch.bytes.clone())?,
                    Fate::Goes => {}
                    Fate::Becomes(bytes) => {
                        let header = BatchHeader::parse(&bytes);
                        let header = header.map_err(|error| Stop::Bad(error.to_string()))?;
                        output.put(&header, bytes)?;
                    }
                }
                Ok(true)
            })?;
            if !whole {
                return Ok(None);
            }
            taken += 1;
        }
        Ok(Some((taken, changed)))
    }

    fn check_room(&self, needed: u64) -> Result<(), StorageError> {
        let space = self.env.disk.space(&self.dir);
        let space = space.map_err(|error| StorageError::io("compacting", &self.dir, &error))?;
        if space.free >= needed.saturating_add(LEFT_FREE) {
            return Ok(());
        }
        let reason = format!(
            "it needs {needed} bytes beside {LEFT_FREE} that stay free, and {} are free; add disk or remove data",
            space.free
        );
        Err(StorageError::Io {
            what: format!("compacting {}", self.dir.display()),
            reason,
        })
    }

    /// Puts `output` in the place of `inputs`; false when they are no longer what they were.
    fn replace(
        &self,
        inputs: &[Input],
        mut output: Output,
        order: &CompactionOrder<'_>,
    ) -> Result<bool, StorageError> {
        let io = |error: io::Error| StorageError::io("compacting", &self.dir, &error);
        let sizes = match output.finish() {
            Ok(sizes) => sizes,
            Err(error) => {
                output.discard();
                return Err(io(error));
            }
        };
        let _no_one_else = self.cleaning.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = self.position_of(inputs).filter(|_| !self.ends_early(order)) else {
            output.discard();
            return Ok(false);
        };
        self.check()?;
        let disk = self.env.disk.as_ref();
        let bases: Vec<i64> = inputs.iter().map(|input| input.segment.base_offset).collect();
        let pinned = inputs.iter().try_for_each(|input| input.segment.pin());
        let decided = pinned
            .map_err(Undecided::Not)
            .and_then(|()| swap::decide(disk, &self.dir, &bases));
        match decided {
            Ok(()) => {}
            Err(Undecided::Not(error)) => {
                output.discard();
                return Err(io(error));
            }
            Err(Undecided::Unknown(error)) => return Err(self.fail("compaction", &error)),
        }
        drop(output);
        swap::rename(disk, &self.dir, first_of(&bases)).map_err(|error| self.fail("compaction", &error))?;
        self.show(at, inputs.len(), sizes);
        let replaced = bases.get(1..).unwrap_or_default();
        swap::clear(disk, &self.dir, replaced).map_err(|error| self.fail("compaction", &error))?;
        Ok(true)
    }

    /// Where `inputs` stand among the segments, when all are there, closed and as they were.
    fn position_of(&self, inputs: &[Input]) -> Option<usize> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let first = inputs.first()?;
        let at = segments
            .iter()
            .position(|segment| Arc::ptr_eq(segment, &first.segment))?;
        // The last one is written to.
        let found = segments
            .get(at..at + inputs.len())
            .filter(|_| at + inputs.len() < segments.len())?;
        let same = |(found, input): (&Arc<Segment>, &Input)| {
            Arc::ptr_eq(found, &input.segment) && found.size() == input.size
        };
        found.iter().zip(inputs).all(same).then_some(at)
    }

    /// Shows readers the new segment from here on.
    fn show(&self, at: usize, count: usize, sizes: Sizes) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let Some(base) = segments.get(at).map(|segment| segment.base_offset) else {
            return;
        };
        let new = Segment::existing(Arc::clone(&self.env.disk), &self.dir, base, sizes);
        // Its time index ends with its largest timestamp.
        new.walked();
        segments.splice(at..at + count, [Arc::new(new)]);
    }
}

fn first_of(bases: &[i64]) -> i64 {
    bases.first().copied().unwrap_or_default()
}
