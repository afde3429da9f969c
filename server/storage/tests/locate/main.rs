//! Finding batches by their place, on the machine's own disk: the same batches as reading them, whatever the log and
//! the limits, and bytes that stay whatever becomes of their segment.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests may stop at errors, and damage files"
)]

mod kept;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tidemill_env::Env;
use tidemill_env::sim::{Faults, FaultyDisk};
use tidemill_storage::{Found, Log, LogConfig};
use tidemill_wire::batch::{self, Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

/// No batch is in memory, so that all are found in files.
fn config() -> LogConfig {
    LogConfig {
        tail_cache_bytes: 0,
        ..LogConfig::default()
    }
}

fn open(dir: &Path, config: &LogConfig) -> Log {
    Log::open(&Env::real(), dir.to_owned(), config.clone()).unwrap().0
}

/// A batch of `records`, with `bytes` of value in all.
fn batch(records: usize, bytes: usize) -> Batch {
    let mut builder = BatchBuilder::new(Compression::None);
    for at in 0..records {
        builder.append(&RecordData {
            timestamp: 1_000,
            key: Some(&[at as u8]),
            value: Some(&vec![at as u8; bytes / records]),
            headers: &[],
        });
    }
    Batch::parse(&mut builder.build()).unwrap()
}

/// The bytes, as a peer would get them.
fn bytes(found: &Found) -> Bytes {
    match found {
        Found::Read(slices) => Bytes::from(slices.chunks.concat()),
        Found::Stored(stored) => stored.range.read(usize::MAX, 0).unwrap(),
    }
}

fn records(bytes: Bytes) -> u64 {
    batch::split(bytes)
        .map(|batch| u64::try_from(batch.unwrap().header.record_count).unwrap())
        .sum()
}

/// A batch as it was stored.
#[derive(Debug)]
struct Placed {
    base: i64,
    next: i64,
    size: usize,
    /// Base offset of its segment.
    segment: i64,
}

fn fill(log: &Log, planned: &[(usize, usize)]) -> Vec<Placed> {
    let stored = planned.iter().map(|(records, bytes)| {
        let stored = log.append(&[batch(*records, *bytes)], 0).unwrap();
        let segment = log.segments().last().unwrap().base_offset;
        Placed {
            base: stored.base_offset,
            next: stored.next_offset,
            size: usize::try_from(stored.bytes).unwrap(),
            segment,
        }
    });
    stored.collect()
}

/// What a read has to give, by its contract: size and next offset.
fn due(placed: &[Placed], from: i64, upto: i64, max_bytes: usize) -> (usize, i64) {
    if from >= upto {
        return (0, from);
    }
    let mut rest = placed.iter().skip_while(|batch| batch.next <= from);
    let Some(first) = rest.next().filter(|first| first.base < upto) else {
        return (0, from);
    };
    rest.take_while(|batch| batch.segment == first.segment && batch.base < upto)
        .scan(first.size, |size, batch| {
            *size += batch.size;
            (*size <= max_bytes).then_some((*size, batch.next))
        })
        .last()
        .unwrap_or((first.size, first.next))
}

fn compare(log: &Log, placed: &[Placed], upto: i64, (part, max_bytes): (usize, usize)) {
    let end = log.offsets().end;
    let from = end * i64::try_from(part).unwrap() / 1000;
    let found = log.locate(from, upto, max_bytes).unwrap();
    let due = due(placed, from, upto.min(end), max_bytes);
    assert_eq!(
        (found.bytes(), found.next_offset()),
        due,
        "{from}..{upto}, {max_bytes}"
    );
    let bytes = bytes(&found);
    if let Found::Stored(stored) = &found {
        assert_eq!(stored.records, records(bytes.clone()));
    }
    // The copying read gives the same, or stops a little earlier.
    let read = log.read(from, upto, max_bytes).unwrap();
    assert!(bytes.starts_with(&read.chunks.concat()), "the same bytes");
    assert_eq!(read.bytes == 0, bytes.is_empty());
    // All was just written: on most file systems it is found without waiting.
    if let Some(cached) = log.locate_cached(from, upto, max_bytes) {
        assert_eq!(self::bytes(&cached), bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_located_is_what_is_read(
        planned in vec((1usize..6, prop_oneof![0usize..300, 0usize..9_000, 30_000usize..90_000]), 1..80),
        interval in prop_oneof![Just(1u32), Just(1_000), Just(4_096), Just(200_000)],
        segment_bytes in prop_oneof![Just(60_000u64), Just(300_000), Just(1 << 30)],
        upto_part in 0i64..1_200,
        queries in vec((0usize..=1000, prop_oneof![0usize..2_000, 30_000usize..40_000, 0usize..600_000]), 12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let config = LogConfig { index_interval_bytes: interval, segment_bytes, ..config() };
        let log = open(dir.path(), &config);
        let placed = fill(&log, &planned);
        let upto = log.offsets().end * upto_part / 1000;
        for query in &queries {
            compare(&log, &placed, i64::MAX, *query);
            compare(&log, &placed, upto, *query);
        }
        // Now the indexes are on disk.
        log.close().unwrap();
        drop(log);
        let log = open(dir.path(), &config);
        for query in &queries {
            compare(&log, &placed, upto, *query);
        }
    }
}

#[test]
fn a_long_run_is_told_by_its_place_and_a_short_one_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &config());
    fill(&log, &[(3, 10_000); 20]);
    let Found::Stored(stored) = log.locate(0, i64::MAX, 100_000).unwrap() else {
        panic!("a run of nine batches is worth a system call");
    };
    assert_eq!((stored.records, stored.next_offset), (27, 27));
    for (from, max_bytes) in [(0, 20_000), (58, 100_000)] {
        let found = log.locate(from, i64::MAX, max_bytes).unwrap();
        assert!(matches!(found, Found::Read(_)), "{from}: {found:?}");
    }
}

#[test]
fn a_disk_that_only_reads_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let env = Env {
        disk: Arc::new(FaultyDisk::new(
            Arc::new(tidemill_env::RealDisk),
            Arc::new(Faults::default()),
        )),
        ..Env::real()
    };
    let (log, _) = Log::open(&env, dir.path().to_owned(), config()).unwrap();
    let placed = fill(&log, &[(1, 10_000); 20]);
    let found = log.locate(0, i64::MAX, 1 << 20).unwrap();
    assert!(matches!(found, Found::Read(_)));
    assert_eq!(found.next_offset(), placed.last().unwrap().next);
}

#[test]
fn a_wrong_index_costs_no_reader_its_records() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &config());
    let placed = fill(&log, &[(1, 10_000); 20]);
    log.close().unwrap();
    drop(log);
    // Every entry but the first points into the middle of a batch.
    let index = dir.path().join("00000000000000000000.index");
    let mut entries = std::fs::read(&index).unwrap();
    entries
        .chunks_exact_mut(8)
        .skip(1)
        .for_each(|entry| entry[7] ^= 1);
    std::fs::write(&index, entries).unwrap();
    let log = open(dir.path(), &config());
    let found = log.locate(0, i64::MAX, 100_000).unwrap();
    let sent = bytes(&found);
    assert_eq!(records(sent), u64::try_from(found.next_offset()).unwrap());
    assert_eq!(found.next_offset(), due(&placed, 0, i64::MAX, 100_000).1);
}
