//! Reading by offset.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use tidemill_wire::batch::BatchHeader;

use super::Log;
use crate::error::StorageError;
use crate::patience::Patience;
use crate::segment::Segment;
use crate::slices::Slices;
use crate::walk::{Stop, Walk};

impl Log {
    /// Batches that are in memory, the log's own or the kernel's: whole ones from the one that holds
    /// `from`, below `upto`, up to `max_bytes` but at least one. Never waits for the device; `None` when
    /// it would have to, and for a read so large that copying it would hold up the caller's thread.
    #[must_use]
    pub fn read_cached(&self, from: i64, upto: i64, max_bytes: usize) -> Option<Slices> {
        if let Some(slices) = self.lock_cache().read(from, upto, max_bytes) {
            return Some(slices);
        }
        if max_bytes > COPIED_AT_ONCE {
            return None;
        }
        // Whatever is wrong is found again, and told, by the read that may wait.
        self.read_segments(from, upto, max_bytes, Patience::Never).ok()
    }

    /// As [`Log::read_cached`], of any size, from memory or disk. One read ends at the end of a segment. A batch
    /// belongs to the result when its first record is below `upto`.
    ///
    /// # Errors
    /// [`StorageError::OffsetOutOfRange`]; [`StorageError::Io`] when the disk fails;
    /// [`StorageError::Corrupt`].
    pub fn read(&self, from: i64, upto: i64, max_bytes: usize) -> Result<Slices, StorageError> {
        let upto = self.readable(from, upto)?;
        if from >= upto {
            return Ok(Slices::empty(from));
        }
        if let Some(slices) = self.lock_cache().read(from, upto, max_bytes) {
            return Ok(slices);
        }
        self.read_segments(from, upto, max_bytes, Patience::Wait)
    }

    /// The bound of a read from `from` that wants what is below `upto`.
    pub(super) fn readable(&self, from: i64, upto: i64) -> Result<i64, StorageError> {
        let offsets = self.offsets();
        if from < offsets.start || from > offsets.end {
            return Err(StorageError::OffsetOutOfRange {
                offset: from,
                start: offsets.start,
                end: offsets.end,
            });
        }
        Ok(upto.min(offsets.end))
    }

    pub(super) fn read_segments(
        &self,
        from: i64,
        upto: i64,
        max_bytes: usize,
        patience: Patience,
    ) -> Result<Slices, StorageError> {
        let found = self.look_through(from..upto, |segment| {
            self.read_segment(segment, from..upto, max_bytes, patience)
        });
        Ok(found?.unwrap_or_else(|| Slices::empty(from)))
    }

    /// What `look` finds in the first segment, from the one that holds the wanted offsets on, where it finds
    /// anything. One whose end is a gap that compaction left has nothing.
    pub(super) fn look_through<T>(
        &self,
        wanted: Range<i64>,
        look: impl Fn(&Segment) -> Result<Option<T>, Stop>,
    ) -> Result<Option<T>, StorageError> {
        for segment in self.segments_from(wanted.start) {
            if segment.base_offset >= wanted.end {
                break;
            }
            match look(&segment) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(Stop::Bad(reason)) => return Err(self.corrupt(&segment, &reason)),
                Err(Stop::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    // Retention removed the segment under the reader.
                    let LogOffsets { start, end, .. } = self.offsets();
                    return Err(StorageError::OffsetOutOfRange {
                        offset: wanted.start,
                        start,
                        end,
                    });
                }
                Err(Stop::Io(error)) => return Err(StorageError::io("reading", segment.path(), &error)),
            }
        }
        Ok(None)
    }

    /// The segment that holds `from`, and those after it.
    pub(super) fn segments_from(&self, from: i64) -> Vec<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let first = segments
            .partition_point(|segment| segment.base_offset <= from)
            .saturating_sub(1);
        segments.iter().skip(first).cloned().collect()
    }

    pub(super) fn read_segment(
        &self,
        segment: &Segment,
        Range {
            start: from,
            end: upto,
        }: Range<i64>,
        max_bytes: usize,
        patience: Patience,
    ) -> Result<Option<Slices>, Stop> {
        let end = segment.size();
        let mut position = segment.position_before(from, patience)?;
        let file = segment.file()?;
        let slack = self.config().index_interval_bytes as usize;
        loop {
            let left = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX);
            if left == 0 {
                return Ok(None);
            }
            let wanted = left.min(max_bytes.saturating_add(slack).max(BATCH_GUESS));
            let chunk = patience.read(file.as_ref(), position, wanted)?;
            match choose(&chunk, from, upto, max_bytes).map_err(Stop::Bad)? {
                Chosen::Skip(bytes) => position += bytes as u64,
                Chosen::NeedWhole { at, size } => {
                    // A batch larger than the limit is given whole: a reader must be able to pass it.
                    let whole = patience.read(file.as_ref(), position + at as u64, size)?;
                    let header = BatchHeader::parse(&whole).map_err(|error| Stop::Bad(error.to_string()))?;
                    if whole.len() < size {
                        return Err(Stop::Bad("a batch is cut short".to_owned()));
                    }
                    return Ok(Some(slices(whole, header.next_offset())));
                }
                Chosen::Range {
                    begin,
                    end,
                    next_offset,
                } => {
                    return Ok(Some(slices(chunk.slice(begin..end), next_offset)));
                }
                // Compaction left nothing from here to the bound.
                Chosen::Nothing => return Ok(Some(Slices::empty(upto))),
            }
        }
    }

    /// Shows the header and position of every batch from the one that holds `from` on. Positions count
    /// within a segment.
    ///
    /// # Errors
    /// As [`Log::read`], save that a `from` outside the log shows what there is.
    pub fn scan(
        &self,
        from: i64,
        visit: &mut dyn FnMut(&BatchHeader, u64) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        for segment in self.segments_from(from) {
            let io = |error: &io::Error| StorageError::io("reading", segment.path(), error);
            let position = segment
                .position_before(from, Patience::Wait)
                .map_err(|error| io(&error))?;
            let file = segment.file().map_err(|error| io(&error))?;
            let mut walk = Walk::new(file, position, segment.size());
            loop {
                let step = match walk.next_header() {
                    Ok(Some(step)) => step,
                    Ok(None) => break,
                    Err(Stop::Bad(reason)) => return Err(self.corrupt(&segment, &reason)),
                    Err(Stop::Io(error)) => return Err(io(&error)),
                };
                if step.header.next_offset() > from && visit(&step.header, step.position).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(crate) fn corrupt(&self, segment: &Segment, reason: &str) -> StorageError {
        let what = format!("{}: {reason}", segment.path().display());
        StorageError::Corrupt {
            dir: self.dir.display().to_string(),
            what,
        }
    }
}

use super::LogOffsets;

/// Copying this much takes a fraction of a millisecond: less than the way to another thread and back.
pub(super) const COPIED_AT_ONCE: usize = 2 << 20;

/// A first read is at least this long: most batches are shorter.
const BATCH_GUESS: usize = 16 << 10;

pub(super) fn slices(bytes: Bytes, next_offset: i64) -> Slices {
    Slices {
        bytes: bytes.len(),
        chunks: vec![bytes],
        next_offset,
    }
}

/// What of a chunk answers the read.
enum Chosen {
    /// The batch that holds the offset is further on.
    Skip(usize),
    /// The first batch that answers is not whole in the chunk.
    NeedWhole { at: usize, size: usize },
    /// These bytes.
    Range {
        begin: usize,
        end: usize,
        next_offset: i64,
    },
    /// The next batch is at or above the bound.
    Nothing,
}

fn choose(chunk: &Bytes, from: i64, upto: i64, max_bytes: usize) -> Result<Chosen, String> {
    let mut at = 0;
    let mut found: Option<(usize, usize, i64)> = None;
    while let Some(rest) = chunk
        .get(at..)
        .filter(|rest| rest.len() >= tidemill_wire::batch::HEADER_LEN)
    {
        let header = BatchHeader::parse(rest).map_err(|error| error.to_string())?;
        let size = header.size();
        if header.next_offset() <= from {
            at += size;
            continue;
        }
        if header.base_offset >= upto {
            return Ok(found.map_or(Chosen::Nothing, range));
        }
        let taken = found.map_or(0, |(begin, end, _)| end - begin);
        if taken > 0 && (taken + size > max_bytes || size > rest.len()) {
            break;
        }
        if size > rest.len() {
            return Ok(Chosen::NeedWhole { at, size });
        }
        found = Some((
            found.map_or(at, |(begin, _, _)| begin),
            at + size,
            header.next_offset(),
        ));
        at += size;
    }
    // Skipping by nothing would read the same chunk for ever.
    match found {
        Some(found) => Ok(range(found)),
        None if at == 0 => Err("a batch header is cut short".to_owned()),
        None => Ok(Chosen::Skip(at)),
    }
}

fn range((begin, end, next_offset): (usize, usize, i64)) -> Chosen {
    Chosen::Range {
        begin,
        end,
        next_offset,
    }
}
