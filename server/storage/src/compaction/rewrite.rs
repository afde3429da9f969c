//! Writing segments anew, and putting them in the place of the old ones.

use std::io;
use std::sync::{Arc, PoisonError};

use tidemill_wire::batch::{Batch, BatchHeader};

use super::CompactionOrder;
use super::filter::{Fate, Filter};
use super::output::Output;
use super::swap::{self, Undecided};
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::log::Log;
use crate::segment::{Segment, Sizes};
use crate::walk::Stop;

/// Room that a compaction leaves on the disk: appends must not fail for its sake.
const LEFT_FREE: u64 = 64 << 20;

/// A closed segment as the pass found it.
pub(super) struct Input {
    pub(super) segment: Arc<Segment>,
    pub(super) size: u64,
    /// Base offset of the segment after it.
    pub(super) next: i64,
}

/// The second reading of a pass.
pub(super) struct Pass<'a> {
    pub(super) log: &'a Log,
    pub(super) order: &'a CompactionOrder<'a>,
    pub(super) config: &'a LogConfig,
    pub(super) filter: Filter<'a>,
}

impl Pass<'_> {
    /// Writes as many of `inputs` anew as fit into one segment, and puts it in their place. Answers how many;
    /// `None` when cancelled or overtaken.
    pub(super) fn rewrite(&self, inputs: &[Input]) -> Result<Option<usize>, StorageError> {
        let Some(first) = inputs.first() else {
            return Ok(Some(0));
        };
        let all: u64 = inputs.iter().map(|input| input.size).sum();
        self.check_room(all.min(self.config.segment_bytes.max(first.size)))?;
        let disk = Arc::clone(&self.log.env.disk);
        let base = first.segment.base_offset;
        let output = Output::create(disk, &self.log.dir, base, self.config.index_interval_bytes);
        let mut output = output.map_err(|error| self.io(&error))?;
        let done = self.fill(&mut output, inputs);
        let (taken, changed) = match done {
            Ok(Some(filled)) => filled,
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
        Ok(self.replace(inputs, output)?.then_some(taken))
    }

    /// Answers how many of `inputs` went into `output`, and whether anything is other than it was.
    fn fill(&self, output: &mut Output, inputs: &[Input]) -> Result<Option<(usize, bool)>, StorageError> {
        let mut changed = false;
        let mut taken = 0;
        for Input { segment, size, next } in inputs {
            let spans = i32::try_from(next - 1 - output.base_offset()).is_ok();
            let fits = output.size() + size <= self.config.segment_bytes && spans;
            if taken > 0 && !fits {
                break;
            }
            let whole = self.log.each_batch(segment, *size, self.order, &mut |batch| {
                changed |= self.put(output, batch)?;
                Ok(true)
            })?;
            if !whole {
                return Ok(None);
            }
            taken += 1;
        }
        Ok(Some((taken, changed)))
    }

    /// Puts what stays of `batch` into `output`; says whether that is other than it was.
    fn put(&self, output: &mut Output, batch: &Batch) -> Result<bool, Stop> {
        let bad = |error: tidemill_wire::batch::BatchError| {
            Stop::Bad(format!("{error} at offset {}", batch.header.base_offset))
        };
        match self.filter.decide(batch).map_err(bad)? {
            Fate::Stays => {
                output.put(&batch.header, batch.bytes.clone())?;
                Ok(false)
            }
            Fate::Goes => Ok(true),
            Fate::Becomes(bytes) => {
                let header = BatchHeader::parse(&bytes).map_err(bad)?;
                output.put(&header, bytes)?;
                Ok(true)
            }
        }
    }

    fn check_room(&self, needed: u64) -> Result<(), StorageError> {
        let space = self.log.env.disk.space(&self.log.dir);
        let space = space.map_err(|error| self.io(&error))?;
        if space.free >= needed.saturating_add(LEFT_FREE) {
            return Ok(());
        }
        let reason = format!(
            "it needs {needed} bytes beside {LEFT_FREE} that stay free, and {} are free; add disk or remove data",
            space.free
        );
        Err(StorageError::Io {
            what: format!("compacting {}", self.log.dir.display()),
            reason,
        })
    }

    /// Puts `output` in the place of `inputs`; false when they are no longer what they were.
    fn replace(&self, inputs: &[Input], mut output: Output) -> Result<bool, StorageError> {
        let log = self.log;
        let sizes = match output.finish() {
            Ok(sizes) => sizes,
            Err(error) => {
                output.discard();
                return Err(self.io(&error));
            }
        };
        let _no_one_else = log.cleaning.lock().unwrap_or_else(PoisonError::into_inner);
        log.check()?;
        let place = position_of(log, inputs).filter(|_| !log.ends_early(self.order));
        let Some(at) = place else {
            output.discard();
            return Ok(false);
        };
        let (disk, dir) = (log.env.disk.as_ref(), log.dir.as_path());
        let bases: Vec<i64> = inputs.iter().map(|input| input.segment.base_offset).collect();
        // Readers that hold the old segments read on in them.
        let pinned = inputs.iter().try_for_each(|input| input.segment.pin());
        let decided = pinned
            .map_err(Undecided::Not)
            .and_then(|()| swap::decide(disk, dir, &bases));
        match decided {
            Ok(()) => {}
            Err(Undecided::Not(error)) => {
                output.discard();
                return Err(self.io(&error));
            }
            // From here on the files on disk may be of both: only a recovery sorts them out.
            Err(Undecided::Unknown(error)) => return Err(log.fail("compaction", &error)),
        }
        let base = output.base_offset();
        drop(output);
        swap::rename(disk, dir, base).map_err(|error| log.fail("compaction", &error))?;
        show(log, at, inputs.len(), sizes);
        let replaced = bases.get(1..).unwrap_or_default();
        swap::clear(disk, dir, replaced).map_err(|error| log.fail("compaction", &error))?;
        Ok(true)
    }

    fn io(&self, error: &io::Error) -> StorageError {
        StorageError::io("compacting", &self.log.dir, error)
    }
}

/// Where `inputs` stand among the segments, when all are there, closed and as they were.
fn position_of(log: &Log, inputs: &[Input]) -> Option<usize> {
    let segments = log.segments.read().unwrap_or_else(PoisonError::into_inner);
    let first = inputs.first()?;
    let at = segments
        .iter()
        .position(|segment| Arc::ptr_eq(segment, &first.segment))?;
    let end = at + inputs.len();
    // The last one is written to.
    let found = segments.get(at..end).filter(|_| end < segments.len())?;
    let same = |(found, input): (&Arc<Segment>, &Input)| {
        Arc::ptr_eq(found, &input.segment) && found.size() == input.size
    };
    found.iter().zip(inputs).all(same).then_some(at)
}

/// Shows readers the new segment from here on.
fn show(log: &Log, at: usize, count: usize, sizes: Sizes) {
    let mut segments = log.segments.write().unwrap_or_else(PoisonError::into_inner);
    let Some(base) = segments.get(at).map(|segment| segment.base_offset) else {
        return;
    };
    let new = Segment::existing(Arc::clone(&log.env.disk), &log.dir, base, sizes);
    segments.splice(at..at + count, [Arc::new(new)]);
}
