//! Finding records by time.

use std::sync::Arc;

use tidemill_wire::batch::Batch;

use super::Log;
use crate::error::StorageError;
use crate::patience::Patience;
use crate::segment::Segment;
use crate::walk::{Stop, Walk};

/// Uncompressed bytes that a stored batch may unfold to; batches are checked against less when they
/// are taken in.
const MAX_UNCOMPRESSED: usize = 256 << 20;

/// A record found by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Its timestamp, milliseconds since 1970.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// The epoch of the leader that took it.
    pub leader_epoch: i32,
}

impl Log {
    /// The first record whose timestamp is `timestamp` or later.
    ///
    /// # Errors
    /// [`StorageError::Io`] and [`StorageError::Corrupt`].
    pub fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>, StorageError> {
        let start = self.offsets().start;
        for segment in self.segments_from(start) {
            let io = |error: std::io::Error| StorageError::io("reading", segment.path(), &error);
            if segment.size() == 0 || self.segment_max_timestamp(&segment)? < timestamp {
                continue;
            }
            let disk = self.env.disk.as_ref();
            // Every record up to the offset of an entry with a smaller timestamp is older, too.
            let before = segment
                .times
                .floor(disk, timestamp.saturating_sub(1), Patience::Wait)
                .map_err(io)?;
            let from = before.map_or(segment.base_offset, |entry| {
                segment.base_offset + i64::from(entry.offset)
            });
            let found = self.find(&segment, from.max(start), &|found| found >= timestamp)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first record that bears the largest timestamp.
    ///
    /// # Errors
    /// As [`Log::offset_for_timestamp`].
    pub fn max_timestamp(&self) -> Result<Option<TimestampOffset>, StorageError> {
        let mut largest: Option<(i64, Arc<Segment>)> = None;
        for segment in self.segments_from(self.offsets().start) {
            let time = self.segment_max_timestamp(&segment)?;
            if segment.size() > 0 && largest.as_ref().is_none_or(|(found, _)| time > *found) {
                largest = Some((time, segment));
            }
        }
        let Some((time, segment)) = largest else {
            return Ok(None);
        };
        self.find(
            &segment,
            self.offsets().start.max(segment.base_offset),
            &|found| found >= time,
        )
    }

    /// A closed segment's index tells; the active one of a log that was just opened must be walked once.
    fn segment_max_timestamp(&self, segment: &Segment) -> Result<i64, StorageError> {
        let io = |error: std::io::Error| StorageError::io("reading", segment.path(), &error);
        let indexed = segment.max_timestamp().map_err(io)?;
        if !segment.needs_walk() {
            return Ok(indexed);
        }
        let mut walk = Walk::new(segment.file().map_err(io)?, 0, segment.size());
        while let Ok(Some(step)) = walk.next_header() {
            segment.note_time(&step.header);
        }
        segment.walked();
        segment.max_timestamp().map_err(io)
    }

    /// The first record from `from` on whose timestamp `wanted` takes.
    fn find(
        &self,
        segment: &Segment,
        from: i64,
        wanted: &dyn Fn(i64) -> bool,
    ) -> Result<Option<TimestampOffset>, StorageError> {
        let io = |error: std::io::Error| StorageError::io("reading", segment.path(), &error);
        let position = segment.position_before(from, Patience::Wait).map_err(io)?;
        let mut walk = Walk::new(segment.file().map_err(io)?, position, segment.size());
        loop {
            let position = walk.position();
            let step = match walk.next_header() {
                Ok(Some(step)) => step,
                Ok(None) => return Ok(None),
                Err(Stop::Bad(reason)) => return Err(self.corrupt(segment, &reason)),
                Err(Stop::Io(error)) => return Err(io(error)),
            };
            if step.header.next_offset() <= from || !wanted(step.header.max_timestamp) {
                continue;
            }
            let mut whole = Walk::new(segment.file().map_err(io)?, position, segment.size());
            let batch = match whole.next_batch() {
                Ok(Some((batch, _))) => batch,
                Ok(None) => return Ok(None),
                Err(Stop::Bad(reason)) => return Err(self.corrupt(segment, &reason)),
                Err(Stop::Io(error)) => return Err(io(error)),
            };
            let found =
                first_record(&batch, from, wanted).map_err(|reason| self.corrupt(segment, &reason))?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

fn first_record(
    batch: &Batch,
    from: i64,
    wanted: &dyn Fn(i64) -> bool,
) -> Result<Option<TimestampOffset>, String> {
    let records = batch
        .records(MAX_UNCOMPRESSED)
        .map_err(|error| error.to_string())?;
    for record in records.iter() {
        let record = record.map_err(|error| error.to_string())?;
        // Records of a batch stamped by the server all bear the batch's time.
        let stamped = batch.header.attributes.log_append_time();
        let timestamp = if stamped {
            batch.header.max_timestamp
        } else {
            record.timestamp
        };
        if record.offset >= from && wanted(timestamp) {
            let leader_epoch = batch.header.partition_leader_epoch;
            return Ok(Some(TimestampOffset {
                timestamp,
                offset: record.offset,
                leader_epoch,
            }));
        }
    }
    Ok(None)
}
