//! What must, and what may, be in the log.

use std::collections::BTreeMap;

use tidemill_storage::LogOffsets;
use tidemill_wire::batch::{Attributes, Batch, BatchBuilder, BatchHeader, RecordData};

use crate::plan::BatchPlan;

/// A record as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rec {
    pub(crate) offset: i64,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) timestamp: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Headers of all batches as they were stored, by base offset.
    pub(crate) batches: BTreeMap<i64, BatchHeader>,
    /// All records, by offset.
    pub(crate) records: BTreeMap<i64, Rec>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// All below survives.
    pub(crate) acked_end: i64,
    pub(crate) acked_start: i64,
    /// The start may have been asked to move up to here.
    pub(crate) may_start: i64,
    /// All below is compacted.
    pub(crate) clean_upto: i64,
    /// Nothing at or above may be missing.
    pub(crate) tried_upto: i64,
    /// When a compaction first went over a tombstone.
    pub(crate) tombstones: BTreeMap<i64, i64>,
    pub(crate) delete_retention_ms: i64,
    pub(crate) sequences: BTreeMap<i64, i32>,
    pub(crate) written: u8,
}

impl Model {
    /// Batches as they will be stored.
    pub(crate) fn offer(&mut self, plans: &[BatchPlan]) -> Vec<Batch> {
        self.forget_from(self.end);
        let mut next = self.end;
        let offered = plans.iter().map(|plan| {
            let batch = self.batch(plan, next);
            next = batch.header.next_offset();
            batch
        });
        offered.collect()
    }

    fn batch(&mut self, plan: &BatchPlan, base: i64) -> Batch {
        let attributes = Attributes(0).with_log_append_time(plan.stamped);
        let mut builder = BatchBuilder::new(plan.codec)
            .with_attributes(attributes)
            .with_place(base, 0);
        if let Some(id) = plan.producer {
            let sequence = self.sequences.entry(id).or_default();
            builder = builder.with_producer(id, 1, *sequence);
            *sequence += i32::try_from(plan.records.len()).unwrap();
        }
        let newest = plan.records.iter().map(|record| record.2).max().unwrap();
        for (offset, (key, value, timestamp)) in (base..).zip(&plan.records) {
            self.written = self.written.wrapping_add(1);
            let record = Rec {
                offset,
                key: format!("key-{key}").into_bytes(),
                value: value.map(|bytes| vec![self.written; bytes]),
                timestamp: if plan.stamped { newest } else { *timestamp },
            };
            builder.append(&RecordData {
                timestamp: *timestamp,
                key: Some(&record.key),
                value: record.value.as_deref(),
                headers: &[(b"written", Some(b"once"))],
            });
            self.records.insert(offset, record);
        }
        let batch = Batch::parse(&mut builder.build()).unwrap();
        self.batches.insert(base, batch.header);
        batch
    }

    /// What was at `offset` and above never was.
    pub(crate) fn forget_from(&mut self, offset: i64) {
        let _ = self.batches.split_off(&offset);
        let _ = self.records.split_off(&offset);
        self.tombstones.retain(|at, _| *at < offset);
        self.clean_upto = self.clean_upto.min(offset);
        self.tried_upto = self.tried_upto.min(offset);
        self.sequences.clear();
        for header in self.batches.values().filter(|header| header.producer_id >= 0) {
            let next = header.last_sequence() + 1;
            self.sequences.insert(header.producer_id, next);
        }
    }

    /// A compaction of all below `upto` begins.
    pub(crate) fn compacting(&mut self, upto: i64, now_ms: i64) {
        self.tried_upto = self.tried_upto.max(upto);
        let seen = self
            .records
            .range(..upto)
            .filter(|(_, record)| record.value.is_none());
        let seen: Vec<i64> = seen.map(|(offset, _)| *offset).collect();
        for offset in seen {
            self.tombstones.entry(offset).or_insert(now_ms);
        }
    }

    /// A compaction may have ended anywhere.
    pub(crate) fn relax(&mut self) {
        self.clean_upto = 0;
    }

    /// The last batch of each producer below `upto`.
    pub(crate) fn last_of_producers(&self, upto: i64) -> BTreeMap<i64, BatchHeader> {
        let below = self
            .batches
            .values()
            .filter(|header| header.next_offset() <= upto);
        let with_producer = below.filter(|header| header.producer_id >= 0);
        with_producer
            .map(|header| (header.producer_id, *header))
            .collect()
    }

    /// The place `hundredths` of the way from `from` to the end.
    pub(crate) fn place(&self, from: i64, hundredths: u64) -> i64 {
        from + (self.end - from) * i64::try_from(hundredths).unwrap() / 100
    }

    /// The log was opened and found so.
    pub(crate) fn found(&mut self, offsets: LogOffsets) {
        self.forget_from(offsets.end);
        self.end = offsets.end;
        self.acked_end = offsets.end;
        self.start = offsets.start;
        self.acked_start = offsets.start;
        self.may_start = offsets.start;
    }
}
