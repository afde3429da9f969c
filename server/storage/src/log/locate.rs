//! Finding batches without reading them.

use std::ops::Range;
use std::sync::Arc;

use tidemill_env::{DiskFile, FileRange};

use super::Log;
use super::read::{COPIED_AT_ONCE, slices};
use crate::error::StorageError;
use crate::found::{Found, Stored};
use crate::patience::Patience;
use crate::segment::Segment;
use crate::slices::Slices;
use crate::walk::{Stop, Walk};

/// Below this, copying costs less than another system call when the bytes are sent.
const LEAST_STORED: usize = 32 << 10;

impl Log {
    /// As [`Log::locate`], never waiting for the device; `None` when it would have to. What it finds in a file may
    /// itself be on the device only.
    #[must_use]
    pub fn locate_cached(&self, from: i64, upto: i64, max_bytes: usize) -> Option<Found> {
        if from >= upto {
            return Some(Found::Read(Slices::empty(from)));
        }
        if let Some(slices) = self.lock_cache().read(from, upto, max_bytes) {
            return Some(Found::Read(slices));
        }
        // Whatever is wrong is found again, and told, by the search that may wait.
        self.locate_in_segments(from..upto, max_bytes, Patience::Never)
            .ok()
    }

    /// The batches that [`Log::read`] gives, or more of them within the same limits. A long run that the system can
    /// send from its file to a socket is told by its place: only a few headers are read.
    ///
    /// Batches in the middle of such a run are not looked at: that one of them is damaged is for the reader to see,
    /// by its checksum.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub fn locate(&self, from: i64, upto: i64, max_bytes: usize) -> Result<Found, StorageError> {
        let upto = self.readable(from, upto)?;
        if from >= upto {
            return Ok(Found::Read(Slices::empty(from)));
        }
        if let Some(slices) = self.lock_cache().read(from, upto, max_bytes) {
            return Ok(Found::Read(slices));
        }
        self.locate_in_segments(from..upto, max_bytes, Patience::Wait)
    }

    fn locate_in_segments(
        &self,
        wanted: Range<i64>,
        max_bytes: usize,
        patience: Patience,
    ) -> Result<Found, StorageError> {
        if max_bytes >= LEAST_STORED && self.counts_by_offsets(patience)? {
            let found = self.look_through(wanted.clone(), |segment| {
                self.locate_in(segment, wanted.clone(), max_bytes, patience)
            });
            match found {
                // Perhaps an index is wrong where the log is not: reading needs less of it.
                Err(StorageError::Corrupt { .. }) => {}
                found => {
                    let empty = || Found::Read(Slices::empty(wanted.start));
                    return Ok(found?.unwrap_or_else(empty));
                }
            }
        }
        if patience == Patience::Never && max_bytes > COPIED_AT_ONCE {
            let error = std::io::ErrorKind::WouldBlock.into();
            return Err(StorageError::io("reading", &self.dir, &error));
        }
        self.read_segments(wanted.start, wanted.end, max_bytes, patience)
            .map(Found::Read)
    }

    /// Whether there are as many records as offsets: compaction has left no gaps.
    fn counts_by_offsets(&self, patience: Patience) -> Result<bool, StorageError> {
        if self.config().compact {
            return Ok(false);
        }
        self.compaction
            .untouched(self.env.disk.as_ref(), &self.dir, patience)
            .map_err(|error| StorageError::io("reading", &self.dir, &error))
    }

    fn locate_in(
        &self,
        segment: &Segment,
        wanted: Range<i64>,
        max_bytes: usize,
        patience: Patience,
    ) -> Result<Option<Found>, Stop> {
        let file = segment.file()?;
        if !file.is_sendable() {
            let read = self.read_segment(segment, wanted, max_bytes, patience)?;
            return Ok(read.map(Found::Read));
        }
        let Some(run) = find_run(segment, &file, wanted.clone(), max_bytes, patience)? else {
            return Ok(None);
        };
        let len = usize::try_from(run.end - run.begin).unwrap_or(usize::MAX);
        if len == 0 {
            return Ok(Some(Found::Read(Slices::empty(wanted.end))));
        }
        if len < LEAST_STORED {
            let bytes = patience.read(file.as_ref(), run.begin, len)?;
            if bytes.len() < len {
                return Err(Stop::Bad("a batch is cut short".to_owned()));
            }
            return Ok(Some(Found::Read(slices(bytes, run.offsets.end))));
        }
        Ok(Some(Found::Stored(Stored {
            range: FileRange::new(file, run.begin, len),
            records: u64::try_from(run.offsets.end - run.offsets.start).unwrap_or(0),
            next_offset: run.offsets.end,
        })))
    }
}

/// Whole batches in a segment.
struct Run {
    begin: u64,
    end: u64,
    offsets: Range<i64>,
}

/// The run from the batch that holds the first wanted offset on, up to `max_bytes` but at least one batch; empty when
/// the next batch is above what is wanted. `None` at the end of the segment.
///
/// The index gives a place near the end at once, so that the cost does not grow with the batches between.
fn find_run(
    segment: &Segment,
    file: &Arc<dyn DiskFile>,
    wanted: Range<i64>,
    max_bytes: usize,
    patience: Patience,
) -> Result<Option<Run>, Stop> {
    let size = segment.size();
    let begin = segment.position_before(wanted.start, patience)?;
    let mut walk = Walk::brief(Arc::clone(file), begin, size, patience);
    let first = loop {
        match walk.next_header()? {
            None => return Ok(None),
            Some(step) if step.header.next_offset() > wanted.start => break step,
            Some(_) => {}
        }
    };
    let mut run = Run {
        begin: first.position,
        end: first.end(),
        offsets: first.header.base_offset..first.header.next_offset(),
    };
    if first.header.base_offset >= wanted.end {
        run.end = run.begin;
        return Ok(Some(run));
    }
    let limit = run.begin.saturating_add(max_bytes as u64);
    let entry = segment.entry_within(wanted.end, limit, patience)?;
    let mut due = None;
    if let Some((offset, position)) = entry.filter(|(_, position)| *position > run.end && *position < size) {
        // All batches before this one are within both limits.
        walk.seek(position);
        (run.end, run.offsets.end, due) = (position, offset, Some(offset));
    }
    while let Some(step) = walk.next_header()? {
        if due.take().is_some_and(|due| due != step.header.base_offset) {
            return Err(Stop::Bad(format!("the index is wrong at byte {}", step.position)));
        }
        if step.header.base_offset >= wanted.end || step.end() > limit {
            break;
        }
        (run.end, run.offsets.end) = (step.end(), step.header.next_offset());
    }
    Ok(Some(run))
}
