//! What must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tidemill_storage::Log;
use tidemill_wire::batch::{Batch, BatchHeader};

use crate::model::{Model, Rec};
use crate::mortal::spans;

/// The log is what compaction may make of what was written.
pub(crate) fn log(log: &Log, model: &Model, now_ms: i64) -> Result<()> {
    spans(log, model.start, model.end)?;
    let present = read(log, model, 1 << 20)?;
    ensure!(
        read(log, model, 200)? == present,
        "read otherwise, 200 bytes at a time"
    );
    last_values(&present, model, now_ms)?;
    superseded(&present, model)?;
    producers(log, model)?;
    times(log, &present, model)
}

/// Reads all, and compares each batch and record with what was written.
fn read(log: &Log, model: &Model, max_bytes: usize) -> Result<BTreeMap<i64, Rec>> {
    let mut found = BTreeMap::new();
    let (mut from, mut last) = (model.start, -1);
    while from < model.end {
        let read = log.read(from, model.end, max_bytes)?;
        ensure!(
            !read.is_empty(),
            "a reader at {from} gets no further, and the end is {}",
            model.end
        );
        let mut bytes = Bytes::from(read.chunks.concat());
        while !bytes.is_empty() {
            let batch = Batch::parse(&mut bytes).context("a read gives whole batches")?;
            let header = batch.header;
            ensure!(
                header.base_offset > last,
                "offset {} after {last}",
                header.base_offset
            );
            last = header.last_offset();
            batch.verify_crc().with_context(|| format!("batch {header:?}"))?;
            let written = model
                .batches
                .get(&header.base_offset)
                .context("a batch that was not written")?;
            same_place(&header, written)?;
            records(&batch, model, &mut found)?;
        }
        ensure!(
            read.next_offset == last + 1,
            "a read goes on at {}",
            read.next_offset
        );
        from = read.next_offset;
    }
    Ok(found)
}

fn same_place(found: &BatchHeader, written: &BatchHeader) -> Result<()> {
    let codec = |header: &BatchHeader| match header.record_count {
        0 => None,
        _ => Some(header.attributes.compression()),
    };
    ensure!(
        found.last_offset_delta == written.last_offset_delta
            && (found.producer_id, found.producer_epoch, found.base_sequence)
                == (written.producer_id, written.producer_epoch, written.base_sequence)
            && found.partition_leader_epoch == written.partition_leader_epoch
            && found.attributes.log_append_time() == written.attributes.log_append_time()
            && codec(found).is_none_or(|codec| codec == written.attributes.compression()),
        "{found:?} was {written:?}"
    );
    Ok(())
}

fn records(batch: &Batch, model: &Model, found: &mut BTreeMap<i64, Rec>) -> Result<()> {
    let mut last = -1;
    for record in batch.records(1 << 20)?.iter() {
        let record = record?;
        ensure!(record.offset > last, "record {} after {last}", record.offset);
        last = record.offset;
        ensure!(
            record.headers.len() == 1,
            "record {} has lost its header",
            record.offset
        );
        let record = Rec {
            offset: record.offset,
            key: record.key.context("a record without a key")?.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            timestamp: record.timestamp,
        };
        ensure!(
            model.records.get(&record.offset) == Some(&record),
            "{record:?} was not written so"
        );
        if record.offset >= model.start {
            found.insert(record.offset, record);
        }
    }
    Ok(())
}

/// The last record of each key is there; a tombstone may be gone with all before it, in time.
fn last_values(present: &BTreeMap<i64, Rec>, model: &Model, now_ms: i64) -> Result<()> {
    let mut last = BTreeMap::new();
    for record in model.records.range(model.start..).map(|(_, record)| record) {
        last.insert(&record.key, record);
    }
    for (key, record) in last {
        if present.contains_key(&record.offset) {
            continue;
        }
        ensure!(record.value.is_none(), "the last value is missing: {record:?}");
        let left = present.values().find(|other| other.key == *key);
        ensure!(
            left.is_none(),
            "a deleted value is back: {left:?}, deleted by {record:?}"
        );
        let since = model
            .tombstones
            .get(&record.offset)
            .context("a tombstone is gone uncompacted")?;
        let retention = model.delete_retention_ms;
        ensure!(
            now_ms >= since + retention,
            "a tombstone of {since} is gone at {now_ms}: {record:?}"
        );
    }
    for (offset, record) in model.records.range(model.start.max(model.tried_upto)..) {
        ensure!(
            present.contains_key(offset),
            "{record:?} was never compacted and is missing"
        );
    }
    Ok(())
}

/// Below what was compacted, there is one record of a key at most.
fn superseded(present: &BTreeMap<i64, Rec>, model: &Model) -> Result<()> {
    let mut keys = BTreeSet::new();
    for (_, record) in present.range(..model.clean_upto) {
        ensure!(
            keys.insert(&record.key),
            "{record:?} is not the only one of its key"
        );
    }
    Ok(())
}

/// Each producer's last batch is there, if only as a header.
fn producers(log: &Log, model: &Model) -> Result<()> {
    let mut found = BTreeMap::new();
    log.scan(model.start, &mut |header, _| {
        if header.producer_id >= 0 {
            found.insert(header.producer_id, *header);
        }
        ControlFlow::Continue(())
    })?;
    for (id, last) in model.last_of_producers(model.end) {
        if last.next_offset() <= model.start {
            continue;
        }
        let found = found
            .get(&id)
            .with_context(|| format!("producer {id} is forgotten"))?;
        ensure!(
            (found.producer_epoch, found.last_sequence()) == (last.producer_epoch, last.last_sequence()),
            "producer {id}: {found:?} instead of {last:?}"
        );
    }
    Ok(())
}

/// Records are found by time as if the others had never been.
fn times(log: &Log, present: &BTreeMap<i64, Rec>, model: &Model) -> Result<()> {
    let some = present.values().step_by(1 + present.len() / 8);
    for time in some.map(|record| record.timestamp + 1).chain([0]) {
        let expected = present.values().find(|record| record.timestamp >= time);
        let found = log
            .offset_for_timestamp(time)?
            .map(|found| (found.offset, found.timestamp));
        ensure!(
            found == expected.map(|record| (record.offset, record.timestamp)),
            "at {time}: {found:?} instead of {expected:?}"
        );
    }
    // Records that were deleted from a segment still count for its largest timestamp.
    if model.start == 0 {
        let largest = present.values().map(|record| record.timestamp).max();
        let found = log.max_timestamp()?.map(|found| found.timestamp);
        ensure!(
            found == largest,
            "the largest timestamp is {found:?}, not {largest:?}"
        );
    }
    Ok(())
}
