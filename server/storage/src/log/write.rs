//! Appending, rolling, syncing, truncating.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tidemill_wire::batch::{Batch, BatchHeader, HEADER_LEN, patch};

use super::{Log, Writer};
use crate::cache::Cached;
use crate::checkpoint::{self, CLEAN, LOG_START};
use crate::config::LogConfig;
use crate::epochs::Epochs;
use crate::error::StorageError;
use crate::recovery::{self, Indexer};
use crate::segment::Segment;

/// Where batches were put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// One past the offset of the last.
    pub next_offset: i64,
    /// Bytes written.
    pub bytes: u64,
    /// Largest timestamp among them.
    pub max_timestamp: i64,
}

/// Batches smaller than this are kept in one piece: a second reference would cost more than the copy.
const COPY_BELOW: usize = 1 << 10;

/// A batch as it will be stored.
struct Placed {
    header: BatchHeader,
    bytes: Cached,
}

impl Log {
    /// Puts `batches` at the end, giving them their offsets and `leader_epoch`. They are in the page
    /// cache when it returns, and readable; durable after the next [`Log::sync`].
    ///
    /// # Errors
    /// [`StorageError::Full`] or [`StorageError::Failed`]: nothing of `batches` is readable, and the
    /// log takes nothing more.
    pub fn append(&self, batches: &[Batch], leader_epoch: i32) -> Result<Appended, StorageError> {
        let mut writer = self.lock_writer();
        let mut next = self.end.load(Ordering::Acquire);
        let placed = batches.iter().map(|batch| {
            let placed = place(batch, next, leader_epoch);
            next = placed.header.next_offset();
            placed
        });
        let placed: Vec<Placed> = placed.collect();
        self.put(&mut writer, placed)
    }

    /// Puts batches at the end that bear their offsets and epochs already, as a follower does.
    ///
    /// # Errors
    /// As [`Log::append`]; [`StorageError::Corrupt`] when a batch does not follow the one before.
    pub fn append_as_is(&self, batches: &[Batch]) -> Result<Appended, StorageError> {
        let mut writer = self.lock_writer();
        let mut next = self.end.load(Ordering::Acquire);
        for batch in batches {
            if batch.header.base_offset < next {
                let what = format!("offset {} where {next} was due", batch.header.base_offset);
                return Err(StorageError::Corrupt {
                    dir: self.dir.display().to_string(),
                    what,
                });
            }
            next = batch.header.next_offset();
        }
        let place_as_is = |batch: &Batch| {
            place(
                batch,
                batch.header.base_offset,
                batch.header.partition_leader_epoch,
            )
        };
        let placed = batches.iter().map(place_as_is).collect();
        self.put(&mut writer, placed)
    }

    fn put(&self, writer: &mut Writer, placed: Vec<Placed>) -> Result<Appended, StorageError> {
        self.check()?;
        let config = self.config();
        let mut rest = placed.as_slice();
        let first_offset = self.end.load(Ordering::Acquire);
        let mut next_offset = first_offset;
        while !rest.is_empty() {
            let fits = self.fitting(writer, rest, next_offset, &config)?;
            let (now, later) = rest.split_at(fits);
            next_offset = now.last().map_or(next_offset, |last| last.header.next_offset());
            self.write(writer, now, &config)
                .map_err(|error| self.fail("append", &error))?;
            rest = later;
        }
        let mut appended = Appended {
            base_offset: first_offset,
            next_offset: first_offset,
            bytes: 0,
            max_timestamp: -1,
        };
        if let (Some(first), Some(last)) = (placed.first(), placed.last()) {
            appended.base_offset = first.header.base_offset;
            appended.next_offset = last.header.next_offset();
        }
        let mut cache = self.lock_cache();
        for Placed { header, bytes } in placed {
            appended.bytes += header.size() as u64;
            appended.max_timestamp = appended.max_timestamp.max(header.max_timestamp);
            cache.push(bytes, config.tail_cache_bytes);
        }
        drop(cache);
        self.unsynced.fetch_add(appended.bytes, Ordering::AcqRel);
        self.end.store(appended.next_offset, Ordering::Release);
        Ok(appended)
    }

    /// How many of `placed` the active segment, which ends at `end`, takes; rolls first when it takes none.
    fn fitting(
        &self,
        writer: &mut Writer,
        placed: &[Placed],
        end: i64,
        config: &LogConfig,
    ) -> Result<usize, StorageError> {
        let count = |segment: &Segment| {
            let mut size = segment.size();
            let fits = |placed: &&Placed| {
                // A batch larger than a segment gets one to itself.
                let fits = size == 0 || size + placed.header.size() as u64 <= config.segment_bytes;
                size += placed.header.size() as u64;
                fits && i32::try_from(placed.header.last_offset() - segment.base_offset).is_ok()
            };
            placed.iter().take_while(fits).count()
        };
        let old = writer
            .active
            .first_ms()
            .is_some_and(|first| self.env.clock.wall_ms().saturating_sub(first) > config.segment_age_ms);
        if writer.active.size() > 0 && (old || count(&writer.active) == 0) {
            // It begins where the last one ended, even if a gap comes first: recovery takes another
            // beginning for a hole.
            self.roll(writer, end)
                .map_err(|error| self.fail("roll", &error))?;
        }
        Ok(count(&writer.active).max(1))
    }

    fn write(&self, writer: &mut Writer, placed: &[Placed], config: &LogConfig) -> io::Result<()> {
        self.unmark_clean(writer)?;
        let active = &writer.active;
        if active.size() == 0 || active.first_ms().is_none() {
            active.note_first(self.env.clock.wall_ms());
        }
        writer.indexer.resume(active)?;
        let mut parts = Vec::with_capacity(placed.len() * 2);
        for Placed { bytes, .. } in placed {
            parts.push(IoSlice::new(&bytes.header));
            parts.push(IoSlice::new(&bytes.rest));
        }
        let mut position = active.size();
        active.file()?.write_at(position, &parts)?;
        let mut epochs = self.lock_epochs();
        for Placed { header, .. } in placed {
            epochs.note(header.partition_leader_epoch, header.base_offset);
            if header.max_timestamp < 0 {
                active.note_undated(self.env.clock.wall_ms());
            }
            writer
                .indexer
                .note(active, header, position, config.index_interval_bytes);
            position += header.size() as u64;
        }
        active.set_size(position);
        Ok(())
    }

    /// Takes the mark of a clean close away before anything changes, durably: were it found again beside
    /// files that changed, they would be believed.
    fn unmark_clean(&self, writer: &mut Writer) -> io::Result<()> {
        if writer.marked_clean {
            self.env.disk.remove_file(&self.dir.join(CLEAN))?;
            self.env.disk.sync_dir(&self.dir)?;
            writer.marked_clean = false;
        }
        Ok(())
    }

    /// Closes the active segment and begins another at `base_offset`. Blocks on no sync, unless the log is
    /// new: its first segment must not be missing when the second is found.
    pub(super) fn roll(&self, writer: &mut Writer, base_offset: i64) -> io::Result<()> {
        self.unmark_clean(writer)?;
        if writer.fresh {
            self.env.disk.sync_dir(&self.dir)?;
        }
        writer.indexer.finish(&writer.active);
        writer.active.write_indexes()?;
        let next = Arc::new(Segment::create(
            Arc::clone(&self.env.disk),
            &self.dir,
            base_offset,
        )?);
        writer
            .unsynced
            .push(std::mem::replace(&mut writer.active, Arc::clone(&next)));
        writer.indexer = Indexer::default();
        writer.names_changed = true;
        self.segments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(next);
        Ok(())
    }

    /// Makes every record appended before the call durable. Appends go on meanwhile. Answers the offset
    /// below which all is durable.
    ///
    /// # Errors
    /// [`StorageError::Failed`]: what was not durable may be lost, and the log takes nothing more.
    pub fn sync(&self) -> Result<i64, StorageError> {
        let _one_at_a_time = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        let (end, active, closed, names_changed, fresh, epochs, bytes) = {
            let mut writer = self.lock_writer();
            let end = self.end.load(Ordering::Acquire);
            let closed = std::mem::take(&mut writer.unsynced);
            let names = std::mem::take(&mut writer.names_changed);
            let fresh = std::mem::take(&mut writer.fresh);
            let epochs = self.lock_epochs().take_changed();
            (
                end,
                Arc::clone(&writer.active),
                closed,
                names,
                fresh,
                epochs,
                self.unsynced_bytes(),
            )
        };
        let closes = active.base_offset > self.recovery_point.load(Ordering::Acquire);
        if bytes == 0 && !closes && !names_changed && epochs.is_none() {
            return Ok(self.durable.load(Ordering::Acquire));
        }
        let work = || -> io::Result<()> {
            let disk = self.env.disk.as_ref();
            closed.iter().try_for_each(|segment| segment.sync())?;
            active.file()?.sync_data()?;
            if names_changed {
                disk.sync_dir(&self.dir)?;
            }
            // A new log's directory, and the topic's above it, must be found again.
            for parent in self.dir.ancestors().skip(1).take(if fresh { 2 } else { 0 }) {
                disk.sync_dir(parent)?;
            }
            if let Some(text) = epochs {
                Epochs::save(disk, &self.dir, &text)?;
            }
            if closes {
                active.set_recovery_point()?;
                self.recovery_point.store(active.base_offset, Ordering::Release);
            }
            Ok(())
        };
        work().map_err(|error| self.fail("sync", &error))?;
        self.unsynced.fetch_sub(bytes, Ordering::AcqRel);
        Ok(self.durable.fetch_max(end, Ordering::AcqRel).max(end))
    }

    /// Drops every record at or above `offset`; a batch that holds it goes whole.
    ///
    /// # Errors
    /// [`StorageError`]; the log has then failed.
    pub fn truncate_to(&self, offset: i64) -> Result<(), StorageError> {
        let _not_while_swapping = self.cleaning.lock().unwrap_or_else(PoisonError::into_inner);
        let _one_at_a_time = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.lock_writer();
        self.check()?;
        if offset >= self.end.load(Ordering::Acquire) {
            return Ok(());
        }
        self.lock_cache().clear();
        self.truncate_segments(&mut writer, offset)
            .map_err(|error| self.fail("truncate", &error))
    }

    fn truncate_segments(&self, writer: &mut Writer, offset: i64) -> io::Result<()> {
        let disk = self.env.disk.as_ref();
        self.unmark_clean(writer)?;
        self.compaction.truncated(disk, &self.dir, offset)?;
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let kept = segments
            .partition_point(|segment| segment.base_offset < offset)
            .max(1);
        let kept = kept.min(segments.len());
        let dropped = segments.split_off(kept);
        let Some(active) = segments.last().cloned() else {
            return Ok(());
        };
        let mut expected = active.base_offset;
        let mut size = 0;
        let mut walk = crate::walk::Walk::new(active.file()?, 0, active.size());
        while let Ok(Some(step)) = walk.next_header() {
            if step.header.next_offset() > offset {
                break;
            }
            expected = step.header.next_offset();
            size = walk.position();
        }
        // The start may lie above the new end, also one that is on disk because a deletion failed half-way.
        let start = expected.min(self.start.load(Ordering::Acquire));
        checkpoint::write(disk, &self.dir, LOG_START, &format!("{start}\n"))?;
        let closed = writer.unsynced.drain(..);
        closed
            .filter(|segment| segment.base_offset < active.base_offset)
            .try_for_each(|segment| segment.sync())?;
        // What comes after the cut must be scanned, wherever the recovery point was.
        active.set_recovery_point()?;
        self.recovery_point.store(active.base_offset, Ordering::Release);
        recovery::remove_durably(&dropped)?;
        active.set_size(size);
        active.file()?.set_len(size)?;
        let interval = self.config().index_interval_bytes;
        let mut epochs = self.lock_epochs();
        epochs.truncate(expected);
        let scanned = recovery::scan_segment(&active, active.base_offset, interval, &mut epochs)?;
        active.sync()?;
        disk.sync_dir(&self.dir)?;
        writer.active = active;
        writer.indexer = scanned.indexer;
        self.end.store(expected, Ordering::Release);
        self.durable.store(expected, Ordering::Release);
        self.start.fetch_min(start, Ordering::AcqRel);
        self.unsynced.store(0, Ordering::Release);
        Ok(())
    }
}

/// The batch as stored: the header is copied and patched, the rest is shared with the producer's frame.
fn place(batch: &Batch, base_offset: i64, leader_epoch: i32) -> Placed {
    let header = BatchHeader {
        base_offset,
        partition_leader_epoch: leader_epoch,
        ..batch.header
    };
    let whole = batch.bytes.len() <= COPY_BELOW;
    let copied = if whole { batch.bytes.len() } else { HEADER_LEN };
    let (front, rest) = batch.bytes.split_at(copied.min(batch.bytes.len()));
    let mut front = front.to_vec();
    patch::set_base_offset_and_epoch(&mut front, base_offset, leader_epoch);
    let rest = if rest.is_empty() {
        Bytes::new()
    } else {
        batch.bytes.slice_ref(rest)
    };
    let bytes = Cached {
        base_offset,
        next_offset: header.next_offset(),
        header: Bytes::from(front),
        rest,
    };
    Placed { header, bytes }
}
