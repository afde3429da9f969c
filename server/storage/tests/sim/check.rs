//! What must hold.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tidemill_env::sim::SimDisk;
use tidemill_storage::Log;
use tidemill_wire::batch::Batch;

use crate::model::Model;
use crate::mortal::spans;

/// A log that was just opened: nothing acknowledged is missing, nothing deleted is back.
pub(crate) fn opened(log: &Log, model: &mut Model) -> Result<()> {
    let found = log.offsets();
    ensure!(
        (model.acked_start..=model.may_start.max(model.acked_start)).contains(&found.start),
        "begins at {}; {} was acknowledged, {} asked for",
        found.start,
        model.acked_start,
        model.may_start
    );
    ensure!(
        found.end >= model.acked_end,
        "ends at {} and {} was acknowledged",
        found.end,
        model.acked_end
    );
    ensure!(
        found.durable == found.end,
        "what is served after a start is durable"
    );
    ensure!(log.failed().is_none(), "a log that opened has not failed");
    model.found(found);
    Ok(())
}

/// The log is what the model says: bytes, times, epochs.
pub(crate) fn log(log: &Log, model: &Model) -> Result<()> {
    spans(log, model.start, model.end)?;
    records(log, model, model.end)?;
    times(log, model)?;
    epochs(log, model)
}

/// Every batch from the start to `end`, byte for byte.
pub(crate) fn records(log: &Log, model: &Model, end: i64) -> Result<()> {
    for max_bytes in [1, 400, 1 << 20] {
        let mut wanted = model.batches.iter().filter(|batch| batch.next > model.start);
        let mut from = model.start;
        loop {
            let read = log
                .read(from, end, max_bytes)
                .with_context(|| format!("reading from {from}"))?;
            if read.is_empty() {
                break;
            }
            let mut bytes = Bytes::from(read.chunks.concat());
            while !bytes.is_empty() {
                let batch = Batch::parse(&mut bytes).context("a read gives whole batches")?;
                let wanted = wanted.next().context("more batches than were written")?;
                ensure!(batch.bytes == wanted.bytes, "another batch at {}", wanted.base);
            }
            from = read.next_offset;
        }
        let missing = wanted.next().filter(|batch| batch.base.max(model.start) < end);
        ensure!(
            missing.is_none(),
            "the batch at {:?} is missing, reading {max_bytes} bytes at a time",
            missing.map(|batch| batch.base)
        );
    }
    Ok(())
}

fn times(log: &Log, model: &Model) -> Result<()> {
    let records: Vec<(i64, i64, i32)> = model.visible().collect();
    for (_, time, _) in &records {
        for wanted in [*time, time + 1] {
            let first = records.iter().find(|(_, time, _)| *time >= wanted).copied();
            let found = log.offset_for_timestamp(wanted)?;
            let found = found.map(|found| (found.offset, found.timestamp, found.leader_epoch));
            ensure!(found == first, "time {wanted}: {found:?} instead of {first:?}");
        }
    }
    let largest = records.iter().map(|(_, time, _)| *time).max();
    let first = records
        .iter()
        .find(|(_, time, _)| Some(*time) == largest)
        .copied();
    let found = log.max_timestamp()?;
    let found = found.map(|found| (found.offset, found.timestamp, found.leader_epoch));
    ensure!(found == first, "largest time: {found:?} instead of {first:?}");
    Ok(())
}

fn epochs(log: &Log, model: &Model) -> Result<()> {
    let mut begins = Vec::<(i32, i64)>::new();
    for (offset, _, epoch) in model.visible() {
        if begins.last().is_none_or(|(last, _)| *last < epoch) {
            begins.push((epoch, offset));
        }
    }
    let Some((last, _)) = begins.last() else {
        return Ok(());
    };
    ensure!(
        log.latest_epoch() == Some(*last),
        "latest epoch {:?}, not {last}",
        log.latest_epoch()
    );
    for (at, (epoch, _)) in begins.iter().enumerate() {
        // Where the next one begins is known to within a gap.
        let end = begins.get(at + 1).map_or(model.end, |(_, begin)| *begin);
        let found = log.epoch_end_offset(*epoch);
        ensure!(
            found == (*epoch, end),
            "epoch {epoch}: {found:?} instead of {end}"
        );
    }
    Ok(())
}

/// The index files of closed segments say what a scan of their log files says.
pub(crate) fn indexes(disk: &SimDisk, log: &Log, model: &Model) -> Result<()> {
    let segments = log.segments();
    let bases: Vec<i64> = segments.iter().map(|segment| segment.base_offset).collect();
    // What is below the start may be gone in part: a removal failed and will be tried again.
    let deleted = bases
        .iter()
        .skip(1)
        .take_while(|next| **next <= model.start)
        .count();
    for segment in segments
        .iter()
        .take(segments.len() - 1)
        .skip(deleted)
        .filter(|segment| segment.bytes > 0)
    {
        let mut bytes = Bytes::from(disk.contents(&segment.path)?);
        ensure!(
            bytes.len() as u64 == segment.bytes,
            "{:?} has another size",
            segment.path
        );
        let (mut position, mut batches, mut largest) = (0, Vec::new(), Vec::new());
        while !bytes.is_empty() {
            let batch = Batch::parse(&mut bytes)?;
            ensure!(
                model.batches.iter().any(|stored| stored.bytes == batch.bytes),
                "{:?} holds a batch that was not written at {}",
                segment.path,
                batch.header.base_offset
            );
            batches.push((batch.header.base_offset - segment.base_offset, position));
            position += batch.bytes.len();
            let before = largest.last().map_or(-1, |(time, _)| *time);
            largest.push((
                before.max(batch.header.max_timestamp),
                batch.header.last_offset() - segment.base_offset,
            ));
        }
        let index = disk.contents(&segment.path.with_extension("index"))?;
        let entries: Vec<(i64, usize)> = index
            .chunks(8)
            .map(|entry| (be(&entry[..4]), size(&entry[4..])))
            .collect();
        ensure!(
            !entries.is_empty() && entries.is_sorted(),
            "{:?}: index {entries:?}",
            segment.path
        );
        ensure!(
            entries.iter().all(|entry| batches.contains(entry)),
            "{:?}: index {entries:?} of {batches:?}",
            segment.path
        );
        let index = disk.contents(&segment.path.with_extension("timeindex"))?;
        let entries: Vec<(i64, i64)> = index
            .chunks(12)
            .map(|entry| (be(&entry[..8]), be(&entry[8..])))
            .collect();
        ensure!(
            entries.is_sorted()
                && entries.last().map(|(time, _)| *time) == largest.last().map(|(time, _)| *time),
            "{:?}: times {entries:?} of {largest:?}",
            segment.path
        );
        for (time, offset) in entries {
            ensure!(
                largest
                    .iter()
                    .all(|(largest, last)| *last > offset || *largest <= time),
                "{:?}: a record up to {offset} is later than {time}",
                segment.path
            );
        }
    }
    Ok(())
}

fn be(bytes: &[u8]) -> i64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | i64::from(*byte))
}

fn size(bytes: &[u8]) -> usize {
    usize::try_from(be(bytes)).unwrap()
}
