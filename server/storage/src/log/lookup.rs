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
            if segment.size() == 0 || segment.max_timestamp().map_err(io)? < timestamp {
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
        let start = self.offsets().start;
        let mut largest: Option<(i64, Arc<Segment>)> = None;
        for segment in self.segments_from(start) {
            let time = if segment.base_offset < start {
                // The segment's largest may be that of a record that was deleted.
                self.largest_from(&segment, start)?
            } else {
                let io = |error: std::io::Error| StorageError::io("reading", segment.path(), &error);
                segment.max_timestamp().map_err(io)?
            };
            if segment.size() > 0 && largest.as_ref().is_none_or(|(found, _)| time > *found) {
                largest = Some((time, segment));
            }
        }
        let Some((time, segment)) = largest else {
            return Ok(None);
        };
        self.find(&segment, start.max(segment.base_offset), &|found| found >= time)
    }

    /// The largest timestamp of the records from `from` on, -1 when there is none.
    fn largest_from(&self, segment: &Segment, from: i64) -> Result<i64, StorageError> {
        let stopped = |stop| match stop {
            Stop::Bad(reason) => self.corrupt(segment, &reason),
            Stop::Io(error) => StorageError::io("reading", segment.path(), &error),
        };
        let file = segment.file().map_err(|error| stopped(error.into()))?;
        let position = segment
            .position_before(from, Patience::Wait)
            .map_err(|error| stopped(error.into()))?;
        let mut walk = Walk::new(Arc::clone(&file), position, segment.size());
        let mut largest = -1;
        while let Some(step) = walk.next_header().map_err(stopped)? {
            if step.header.base_offset >= from {
                largest = largest.max(step.header.max_timestamp);
            } else if step.header.next_offset() > from {
                let mut whole = Walk::new(Arc::clone(&file), step.position, segment.size());
                if let Some((batch, _)) = whole.next_batch().map_err(stopped)? {
                    let found = timestamps(&batch, from).map_err(|reason| self.corrupt(segment, &reason))?;
                    largest = largest.max(found.into_iter().max().unwrap_or(-1));
                }
            }
        }
        Ok(largest)
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

/// The timestamps of a batch's records from offset `from` on.
fn timestamps(batch: &Batch, from: i64) -> Result<Vec<i64>, String> {
    let records = batch
        .records(MAX_UNCOMPRESSED)
        .map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for record in records.iter() {
        let record = record.map_err(|error| error.to_string())?;
        if record.offset >= from {
            found.push(timestamp_of(batch, record.timestamp));
        }
    }
    Ok(found)
}

/// Records of a batch stamped by the server all bear the batch's time.
fn timestamp_of(batch: &Batch, own: i64) -> i64 {
    if batch.header.attributes.log_append_time() {
        batch.header.max_timestamp
    } else {
        own
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
        let timestamp = timestamp_of(batch, record.timestamp);
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
