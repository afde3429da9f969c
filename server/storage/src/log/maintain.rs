//! Removing what is old.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::Log;
use crate::checkpoint::{self, LOG_START};
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::segment::Segment;

/// What a round of maintenance did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// The active segment was closed for its age.
    pub rolled: bool,
    /// Segments removed.
    pub removed_segments: usize,
    /// Their bytes.
    pub removed_bytes: u64,
}

/// A segment as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Bytes of its log file.
    pub bytes: u64,
    /// Its log file.
    pub path: PathBuf,
}

impl Log {
    /// Bytes of all log files.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.iter().map(|segment| segment.size()).sum()
    }

    /// The segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let info = |segment: &Segment| SegmentInfo {
            base_offset: segment.base_offset,
            bytes: segment.size(),
            path: segment.path().to_owned(),
        };
        self.all_segments().iter().map(|segment| info(segment)).collect()
    }

    /// Closes the active segment when it is old enough, removes segments by retention, and gives idle
    /// memory and file handles back. `now_ms` is the wall time in milliseconds.
    ///
    /// # Errors
    /// [`StorageError`]; a removal that failed is tried again at the next call.
    pub fn maintain(&self, now_ms: i64) -> Result<Maintenance, StorageError> {
        let _not_while_compacting = self.cleaning.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        let config = self.config();
        let mut done = Maintenance {
            rolled: self.roll_if_old(now_ms, &config)?,
            ..Maintenance::default()
        };
        self.apply_retention(now_ms, &config, &mut done)?;
        self.lock_cache().rest();
        let all = self.all_segments();
        for closed in all.iter().take(all.len().saturating_sub(1)) {
            closed.release();
        }
        Ok(done)
    }

    fn roll_if_old(&self, now_ms: i64, config: &LogConfig) -> Result<bool, StorageError> {
        let mut writer = self.lock_writer();
        let active = &writer.active;
        if active.size() == 0 {
            return Ok(false);
        }
        // The age of a segment written before this process began counts from the first look at it.
        active.note_first(now_ms);
        let old = active
            .first_ms()
            .is_some_and(|first| now_ms.saturating_sub(first) > config.segment_age_ms);
        // A segment that retention wants is closed first, as Kafka does: else a quiet topic keeps its
        // records until the segment is full or old.
        let old = old || self.is_expired(active, now_ms, config)?;
        if old {
            let end = self.end.load(Ordering::Acquire);
            self.roll(&mut writer, end)
                .map_err(|error| self.fail("roll", &error))?;
        }
        Ok(old)
    }

    fn apply_retention(
        &self,
        now_ms: i64,
        config: &LogConfig,
        done: &mut Maintenance,
    ) -> Result<(), StorageError> {
        let segments = self.all_segments();
        let mut size: u64 = segments.iter().map(|segment| segment.size()).sum();
        let mut new_start = self.offsets().start;
        for pair in segments.windows(2) {
            let [oldest, next] = pair else { break };
            let emptied = next.base_offset <= new_start;
            let rest = size.saturating_sub(oldest.size());
            let excess = config.delete && config.retention_bytes.is_some_and(|keep| rest >= keep);
            if !(emptied || excess || self.is_expired(oldest, now_ms, config)?) {
                break;
            }
            size = rest;
            new_start = new_start.max(next.base_offset);
            done.removed_segments += 1;
            done.removed_bytes += oldest.size();
        }
        if done.removed_segments == 0 {
            return Ok(());
        }
        // The log must not end, after a crash, below where it begins.
        if new_start > self.offsets().durable {
            self.sync()?;
        }
        self.remove_below(new_start)
    }

    /// Whether all its records are older than retention keeps them.
    fn is_expired(&self, segment: &Segment, now_ms: i64, config: &LogConfig) -> Result<bool, StorageError> {
        let Some(keep) = config.retention_ms.filter(|_| config.delete) else {
            return Ok(false);
        };
        let newest_ms = segment
            .newest_ms(now_ms)
            .map_err(|error| StorageError::io("retention of", segment.path(), &error))?;
        Ok(segment.size() > 0 && newest_ms < now_ms.saturating_sub(keep))
    }

    /// Makes the log begin at `offset`, durably, then removes the segments that end at or below it.
    fn remove_below(&self, offset: i64) -> Result<(), StorageError> {
        if offset > self.offsets().start {
            // This also makes the name of the segment that will be the first one durable.
            checkpoint::write(
                self.env.disk.as_ref(),
                &self.dir,
                LOG_START,
                &format!("{offset}\n"),
            )
            .map_err(|error| StorageError::io("deleting records of", &self.dir, &error))?;
            self.start.fetch_max(offset, Ordering::AcqRel);
            self.lock_epochs().start_at(offset);
        }
        // A sync must not meet files that are going.
        let _not_while_syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let segments = self.all_segments();
            match segments.as_slice() {
                [first, next, ..] if next.base_offset <= offset => self.drop_segment(first)?,
                _ => return Ok(()),
            }
        }
    }

    /// Takes the first segment out, then its files away: readers that hold it finish.
    fn drop_segment(&self, first: &Arc<Segment>) -> Result<(), StorageError> {
        let is_other = |segment: &Arc<Segment>| !Arc::ptr_eq(segment, first);
        self.lock_writer().unsynced.retain(is_other);
        let segments = || self.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments().retain(is_other);
        first.remove().map_err(|error| {
            // What is left of it is tried again at the next call.
            segments().insert(0, Arc::clone(first));
            StorageError::io("removing", first.path(), &error)
        })
    }

    /// Removes records below `offset`, durably; segments that hold nothing else go at once. Answers the
    /// new first offset, which is never lower than before.
    ///
    /// # Errors
    /// [`StorageError::OffsetOutOfRange`] when `offset` is past the end.
    pub fn delete_before(&self, offset: i64) -> Result<i64, StorageError> {
        let _not_while_compacting = self.cleaning.lock().unwrap_or_else(PoisonError::into_inner);
        let offsets = self.offsets();
        if offset > offsets.end {
            return Err(StorageError::OffsetOutOfRange {
                offset,
                start: offsets.start,
                end: offsets.end,
            });
        }
        if offset <= offsets.start {
            return Ok(offsets.start);
        }
        self.check()?;
        // A start beyond what a crash leaves would make a hole.
        if offset > offsets.durable {
            self.sync()?;
        }
        self.remove_below(offset)?;
        Ok(self.offsets().start)
    }
}
