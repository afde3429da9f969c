//! The records of a batch on their way through a chain.

use bytes::Bytes;
use tidemill_frame::{FrameHeader, FrameKind, RawRecords};
use tidemill_wire::batch::Batch;

use super::Output;
use crate::error::SmartModuleError;

/// Records, laid out as in a batch, and where they came from.
pub(super) struct Work {
    body: Bytes,
    count: u32,
    base_offset: i64,
    base_timestamp: i64,
    stamped: bool,
    /// Which record of the batch that came in each one is; `None` while all are there, untouched.
    origins: Option<Vec<u32>>,
}

impl Work {
    /// The records of `batch`, unfolded to at most `limit` bytes.
    pub(super) fn of(batch: &Batch, limit: usize) -> Result<Work, SmartModuleError> {
        let unreadable = |error| SmartModuleError::Engine(format!("a batch cannot be read: {error}"));
        let records = batch.records(limit).map_err(unreadable)?;
        let header = &batch.header;
        let stamped = header.attributes.log_append_time();
        Ok(Work {
            body: records.body().clone(),
            count: u32::try_from(header.record_count).unwrap_or(0),
            base_offset: header.base_offset,
            base_timestamp: if stamped {
                header.max_timestamp
            } else {
                header.base_timestamp
            },
            stamped,
            origins: None,
        })
    }

    /// Others in their stead, at the same place.
    pub(super) fn with(&self, body: Vec<u8>, origins: Vec<u32>) -> Work {
        Work {
            body: Bytes::from(body),
            count: u32::try_from(origins.len()).unwrap_or(u32::MAX),
            origins: Some(origins),
            ..*self
        }
    }

    /// The first `at` of them, and the others.
    pub(super) fn split(&self, at: u32) -> Result<(Work, Work), SmartModuleError> {
        let mut end = 0;
        for record in self.records().take(at as usize) {
            end += record?.whole.len();
        }
        let origins: Vec<u32> = (0..self.count).map(|index| self.origin(index)).collect();
        let (first, second) = origins.split_at((at as usize).min(origins.len()));
        let part = |body: Bytes, origins: &[u32]| Work {
            body,
            count: u32::try_from(origins.len()).unwrap_or(u32::MAX),
            origins: Some(origins.to_vec()),
            ..*self
        };
        Ok((
            part(self.body.slice(..end), first),
            part(self.body.slice(end..), second),
        ))
    }

    /// These, then `more`.
    pub(super) fn join(self, more: &Work) -> Work {
        let body = [&self.body[..], &more.body[..]].concat();
        let origins = |work: &Work| {
            (0..work.count)
                .map(|index| work.origin(index))
                .collect::<Vec<_>>()
        };
        let origins = [origins(&self), origins(more)].concat();
        self.with(body, origins)
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(super) fn records(&self) -> RawRecords<'_> {
        RawRecords::new(&self.body, self.count)
    }

    /// Which record of the batch that came in the one at `index` is.
    pub(super) fn origin(&self, index: u32) -> u32 {
        match &self.origins {
            Some(origins) => origins.get(index as usize).copied().unwrap_or(index),
            None => index,
        }
    }

    pub(super) fn offset_delta(&self, index: u32) -> Option<i64> {
        let record = self.records().nth(index as usize)?.ok()?;
        Some(record.offset_delta)
    }

    /// What a guest is told of them.
    pub(super) fn header(&self, kind: FrameKind, accumulator: u32) -> FrameHeader {
        FrameHeader {
            kind,
            count: self.count,
            accumulator,
            base_offset: self.base_offset,
            base_timestamp: self.base_timestamp,
            stamped: self.stamped,
        }
    }

    /// As a batch in the stead of `batch`.
    pub(super) fn finish(self, batch: &Batch) -> Result<Output, SmartModuleError> {
        if self.origins.is_none() {
            return Ok(Output::Same);
        }
        if self.count == 0 {
            return Ok(Output::Nothing);
        }
        let mut max_timestamp = -1;
        for record in self.records() {
            max_timestamp = max_timestamp.max(self.base_timestamp.wrapping_add(record?.timestamp_delta));
        }
        let count = i32::try_from(self.count).map_err(|_| {
            SmartModuleError::Answer("there are more records than a batch can hold".to_owned())
        })?;
        batch
            .with_body(&self.body, count, max_timestamp)
            .map(Output::Batch)
            .map_err(|error| SmartModuleError::Engine(format!("a batch cannot be written: {error}")))
    }
}
