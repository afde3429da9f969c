//! What there is to compact, and whether it pays.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::{io, iter};

use tidemill_env::Disk;

use super::{CLEANED, State};
use crate::checkpoint;
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::log::Log;
use crate::patience::Patience;
use crate::segment::Segment;
use crate::walk::{Stop, Walk};

/// How much of a log waits for compaction.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Dirtiness {
    /// Bytes of closed segments that were compacted before.
    pub clean_bytes: u64,
    /// Bytes that may be compacted now and were not yet.
    pub dirty_bytes: u64,
    /// Compaction pays: there is more of it than `min_cleanable_ratio` asks, or some of it has waited for
    /// `max_compaction_lag_ms`.
    pub due: bool,
    /// Some of it has waited for `max_compaction_lag_ms`.
    pub overdue: bool,
}

impl Dirtiness {
    /// Dirty bytes as a part of all that compaction would read, 0 to 1.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let all = self.clean_bytes + self.dirty_bytes;
        if all == 0 {
            return 0.0;
        }
        // Sizes are far below 2^52 bytes.
        self.dirty_bytes as f64 / all as f64
    }
}

/// What one run works on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    /// First offset that was not compacted yet.
    pub(super) first_dirty: i64,
    /// One past the last offset that may be.
    pub(super) end: i64,
}

impl Log {
    /// How much of the log below `upto` waits for compaction, as of `now_ms` (wall time in milliseconds). It
    /// looks at segments, not at records.
    ///
    /// # Errors
    /// [`StorageError::Io`] and [`StorageError::Corrupt`].
    pub fn dirtiness(&self, upto: i64, now_ms: i64) -> Result<Dirtiness, StorageError> {
        let config = self.config();
        if !config.compact || self.compaction.broken().is_some() {
            return Ok(Dirtiness::default());
        }
        let range = self.compactable(upto, now_ms, &config)?;
        let mut found = Dirtiness::default();
        let mut dirty = Vec::new();
        for (segment, next) in self.closed_below(range.end) {
            if next <= range.first_dirty {
                found.clean_bytes += segment.size();
            } else {
                found.dirty_bytes += segment.size();
                dirty.push(segment);
            }
        }
        if config.max_compaction_lag_ms < i64::MAX {
            let oldest = now_ms.saturating_sub(config.max_compaction_lag_ms);
            for segment in dirty {
                let first = self.first_timestamp(&segment)?;
                found.overdue |= first.is_some_and(|first| first > 0 && first < oldest);
            }
        }
        let pays = found.ratio() > config.min_cleanable_ratio;
        found.due = found.dirty_bytes > 0 && (pays || found.overdue);
        Ok(found)
    }

    /// The closed segments that begin below `end`, each with the base offset of the one after it.
    pub(super) fn closed_below(&self, end: i64) -> Vec<(Arc<Segment>, i64)> {
        let all = self.all_segments();
        let next = all.iter().skip(1).map(|next| next.base_offset);
        let closed = iter::zip(all.iter().cloned(), next);
        closed
            .take_while(|(segment, _)| segment.base_offset < end)
            .collect()
    }

    /// What may be compacted: closed, below `upto`, and older than `min_compaction_lag_ms`.
    pub(super) fn compactable(
        &self,
        upto: i64,
        now_ms: i64,
        config: &LogConfig,
    ) -> Result<Range, StorageError> {
        let start = self.offsets().start;
        let io = |error: io::Error| StorageError::io("compacting", &self.dir, &error);
        let first_dirty = self.compaction.first_dirty(self.env.disk.as_ref(), &self.dir);
        let mut end = start;
        for (segment, next) in self.closed_below(upto) {
            let lagging = config.min_compaction_lag_ms > 0
                && segment.max_timestamp().map_err(io)? > now_ms.saturating_sub(config.min_compaction_lag_ms);
            if next > upto || lagging {
                break;
            }
            end = end.max(next);
        }
        Ok(Range {
            // A log that was cut or whose start moved past the mark is dirty from there.
            first_dirty: first_dirty.map_err(io)?.clamp(start, end),
            end,
        })
    }

    /// The timestamp of a segment's first record, as far as its first batch's header tells.
    fn first_timestamp(&self, segment: &Segment) -> Result<Option<i64>, StorageError> {
        let io = |error: io::Error| StorageError::io("reading", segment.path(), &error);
        let mut walk = Walk::new(segment.file().map_err(io)?, 0, segment.size());
        match walk.next_header() {
            Ok(None) => Ok(None),
            Ok(Some(step)) if step.header.attributes.delete_horizon() => Ok(Some(step.header.max_timestamp)),
            Ok(Some(step)) => Ok(Some(step.header.base_timestamp)),
            Err(Stop::Bad(reason)) => Err(self.corrupt(segment, &reason)),
            Err(Stop::Io(error)) => Err(io(error)),
        }
    }
}

impl State {
    /// Whether no compaction has gone through the log, so that its offsets have no gaps of that making.
    pub(crate) fn untouched(&self, disk: &dyn Disk, dir: &Path, patience: Patience) -> io::Result<bool> {
        if patience == Patience::Never && self.lock().first_dirty.is_none() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(self.first_dirty(disk, dir)? == 0)
    }

    /// The offset below which all was compacted, as remembered or as the checkpoint says.
    fn first_dirty(&self, disk: &dyn Disk, dir: &Path) -> io::Result<i64> {
        let mut memo = self.lock();
        if let Some(known) = memo.first_dirty {
            return Ok(known);
        }
        let found = checkpoint::read_offset(disk, dir, CLEANED)?.unwrap_or(0);
        memo.first_dirty = Some(found);
        Ok(found)
    }

    /// All below `offset` was compacted.
    pub(super) fn cleaned(&self, disk: &dyn Disk, dir: &Path, offset: i64) -> io::Result<()> {
        checkpoint::write(disk, dir, CLEANED, &format!("{offset}\n"))?;
        self.lock().first_dirty = Some(offset);
        Ok(())
    }

    /// The log is cut at `offset`: what comes there next is dirty.
    pub(crate) fn truncated(&self, disk: &dyn Disk, dir: &Path, offset: i64) -> io::Result<()> {
        if self.first_dirty(disk, dir)? > offset {
            self.cleaned(disk, dir, offset)?;
        }
        Ok(())
    }

    /// Why compaction of this log has stopped until it is opened again.
    pub(super) fn broken(&self) -> Option<String> {
        self.lock().broken.clone()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
