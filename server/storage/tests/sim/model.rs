//! What the log has promised.

use bytes::Bytes;
use tidemill_storage::LogOffsets;
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use crate::plan::BatchPlan;

/// A batch as it must be found.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) base: i64,
    pub(crate) next: i64,
    pub(crate) epoch: i32,
    pub(crate) bytes: Bytes,
    /// Offset and timestamp of each record.
    pub(crate) records: Vec<(i64, i64)>,
}

impl Stored {
    pub(crate) fn batch(&self) -> Batch {
        Batch::parse(&mut self.bytes.clone()).unwrap()
    }
}

/// What must, and what may, be in the log.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// All that was ever given to the log and not truncated, oldest first.
    pub(crate) batches: Vec<Stored>,
    /// All below is there whatever happens.
    pub(crate) acked_end: i64,
    /// Nothing below comes back.
    pub(crate) acked_start: i64,
    /// Nothing above was asked to go.
    pub(crate) may_start: i64,
    /// Where readers of the running log find its end and start.
    pub(crate) end: i64,
    pub(crate) start: i64,
    pub(crate) epoch: i32,
    written: u8,
}

impl Model {
    /// Batches as the log must store them; they may be found from now on.
    pub(crate) fn offer(&mut self, plans: &[BatchPlan]) -> Vec<Stored> {
        let mut next = self.end;
        let stored: Vec<Stored> = plans.iter().map(|plan| self.stored(plan, &mut next)).collect();
        // What a failed append left lies at the same offsets.
        self.batches.retain(|batch| batch.next <= self.end);
        self.batches.extend(stored.iter().cloned());
        stored
    }

    fn stored(&mut self, plan: &BatchPlan, next: &mut i64) -> Stored {
        let base = *next + plan.gap;
        self.written = self.written.wrapping_add(1);
        let value = vec![self.written; plan.value_bytes];
        let mut builder = BatchBuilder::new(Compression::None).with_place(base, self.epoch);
        for timestamp in &plan.times {
            builder.append(&RecordData {
                timestamp: *timestamp,
                key: None,
                value: Some(&value),
                headers: &[],
            });
        }
        let records: Vec<(i64, i64)> = (base..).zip(plan.times.iter().copied()).collect();
        *next = base + i64::try_from(records.len()).unwrap();
        Stored {
            base,
            next: *next,
            epoch: self.epoch,
            bytes: builder.build(),
            records,
        }
    }

    /// The place `hundredths` of the way from start to end.
    pub(crate) fn place(&self, hundredths: u64) -> i64 {
        self.start + (self.end - self.start) * i64::try_from(hundredths).unwrap() / 100
    }

    /// The end of the log after a cut at `offset`.
    pub(crate) fn cut_at(&self, offset: i64) -> i64 {
        let kept = self.batches.iter().filter(|batch| batch.next <= offset);
        kept.map(|batch| batch.next).max().unwrap_or(0)
    }

    /// The log was opened and found so: all of it is acknowledged by being served.
    pub(crate) fn found(&mut self, offsets: LogOffsets) {
        self.batches.retain(|batch| batch.next <= offsets.end);
        self.end = offsets.end;
        self.acked_end = offsets.end;
        self.start = offsets.start;
        self.acked_start = offsets.start;
        self.may_start = offsets.start;
    }

    /// Records that readers may see, with the epoch of their batch.
    pub(crate) fn visible(&self) -> impl Iterator<Item = (i64, i64, i32)> + '_ {
        let batches = self.batches.iter().filter(|batch| batch.next <= self.end);
        let records = batches.flat_map(|batch| {
            let epoch = batch.epoch;
            batch
                .records
                .iter()
                .map(move |(offset, time)| (*offset, *time, epoch))
        });
        records.filter(|(offset, _, _)| *offset >= self.start)
    }
}
