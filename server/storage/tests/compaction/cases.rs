//! Cases of their own.

use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};
use tidemill_env::sim::{Fault, Op};
use tidemill_env::{Disk, OpenMode};
use tidemill_storage::{CompactionOrder, LogConfig, StorageError};
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use crate::mortal::{self, Halt, Mortal};
use crate::plan::{BatchPlan, Plan};
use crate::world::World;

const NOW: i64 = 1_000_000;
/// Bytes of a table that holds all keys.
const ROOM: usize = 1 << 16;

fn open(change: impl FnOnce(&mut LogConfig)) -> World {
    let mut config = LogConfig {
        segment_bytes: 1_000,
        index_interval_bytes: 150,
        compact: true,
        delete: false,
        delete_retention_ms: 5_000,
        ..LogConfig::default()
    };
    change(&mut config);
    let mut world = World::new(&Plan {
        config,
        steps: Vec::new(),
    });
    done(world.open());
    world
}

fn done<T>(result: Result<T, Halt>) -> T {
    let result = result.map_err(|halt| match halt {
        Halt::Refused(error) => anyhow!(error),
        Halt::Broken(error) => error,
    });
    result.unwrap()
}

/// One batch of one record.
fn one(key: u8, value: Option<usize>) -> BatchPlan {
    BatchPlan {
        records: vec![(key, value, NOW)],
        codec: Compression::None,
        producer: None,
        stamped: false,
    }
}

/// Appends `rounds` values of each of `keys` keys, a batch each.
fn fill(world: &mut World, rounds: usize, keys: u8) {
    for _ in 0..rounds {
        let batches: Vec<BatchPlan> = (0..keys).map(|key| one(key, Some(40))).collect();
        done(world.append(&batches));
    }
}

fn compact(world: &mut World) -> tidemill_storage::Compaction {
    let end = world.model.end;
    let compaction = done(world.compact(end, ROOM));
    done(world.check());
    compaction
}

#[test]
fn a_log_shrinks_to_its_keys_and_small_segments_are_joined() {
    let mut world = open(|_| {});
    fill(&mut world, 100, 5);
    let before = world.segments();
    let compaction = compact(&mut world);
    assert_eq!(compaction.segments_before, before.len() - 1);
    assert!(
        compaction.bytes_before > 50_000 && compaction.bytes_after < 1_200,
        "{compaction:?}"
    );
    let after = world.segments();
    assert!(after.len() <= 3, "{after:?}");
    assert_eq!(after.first().map(|(base, _)| *base), Some(0));
    assert_eq!(after.last(), before.last(), "the active segment is left alone");
    // Nothing is left to do.
    assert_eq!(compact(&mut world).passes, 0);
    done(world.open());
    assert_eq!(world.segments(), after);
}

#[test]
fn compaction_pays_from_the_ratio_on_or_when_records_have_waited_too_long() {
    let mut world = open(|config| config.max_compaction_lag_ms = 60_000);
    let due = |world: &World| {
        let found = world.open_log().dirtiness(i64::MAX, world.now_ms()).unwrap();
        (found.ratio(), found.due, found.overdue)
    };
    assert_eq!(due(&world), (0.0, false, false));
    fill(&mut world, 100, 5);
    assert_eq!(due(&world), (1.0, true, false));
    compact(&mut world);
    assert_eq!(due(&world), (0.0, false, false));
    // Keys that stay: the more of them are clean, the less pays what is dirty.
    for round in 0..4 {
        let batches: Vec<BatchPlan> = (0..100).map(|key| one(100 + key, Some(40))).collect();
        done(world.append(&batches));
        let (ratio, pays, _) = due(&world);
        assert_eq!(pays, ratio > 0.5, "{round}: {ratio}");
        if pays {
            compact(&mut world);
        }
    }
    assert!(!due(&world).1);
    world.pass(60_001);
    let (_, pays, overdue) = due(&world);
    assert!(pays && overdue);
    world.config.compact = false;
    world.open_log().set_config(world.config.clone());
    assert_eq!(due(&world), (0.0, false, false));
}

#[test]
fn records_younger_than_the_lag_stay_as_they_are() {
    let mut world = open(|config| config.min_compaction_lag_ms = 1_000);
    fill(&mut world, 50, 5);
    assert_eq!(compact(&mut world).passes, 0);
    world.pass(1_000);
    assert!(compact(&mut world).bytes_after < 1_200);
}

#[test]
fn a_tombstone_stays_for_its_retention_counted_from_the_first_compaction() {
    let mut world = open(|_| {});
    fill(&mut world, 3, 5);
    done(world.append(&[one(1, None)]));
    fill(&mut world, 20, 1);
    let tombstone = 15;
    let present = |world: &World| {
        let read = world.open_log().read(tombstone, tombstone + 1, 1).unwrap();
        !read.is_empty()
    };
    world.pass(100_000);
    compact(&mut world);
    assert!(present(&world), "its clock starts only now");
    world.pass(4_999);
    fill(&mut world, 20, 1);
    compact(&mut world);
    assert!(present(&world));
    world.pass(1);
    fill(&mut world, 20, 1);
    compact(&mut world);
    assert!(!present(&world));
    let values = world.open_log().read(1, 2, 1).unwrap();
    assert!(values.is_empty(), "what it deleted does not come back");
}

#[test]
fn records_without_a_key_from_before_the_policy_go() {
    let mut world = open(|_| {});
    let mut builder = BatchBuilder::new(Compression::None);
    for _ in 0..30 {
        builder.append(&RecordData {
            timestamp: NOW,
            key: None,
            value: Some(&[7; 40]),
            headers: &[],
        });
    }
    let batch = Batch::parse(&mut builder.build()).unwrap();
    let log = world.open_log();
    log.append(std::slice::from_ref(&batch), 0).unwrap();
    log.append(&[batch], 0).unwrap();
    world.model.end = 60;
    fill(&mut world, 1, 20);
    compact(&mut world);
}

#[test]
fn a_broken_segment_ends_compaction_of_its_log_and_nothing_else() {
    let mut world = open(|config| config.tail_cache_bytes = 0);
    fill(&mut world, 100, 5);
    let segments = world.open_log().segments();
    let file = world
        .machine
        .disk
        .open(&segments[3].path, OpenMode::Write)
        .unwrap();
    file.write_at(100, &[IoSlice::new(&[0xee; 8])]).unwrap();
    let end = world.model.end;
    for _ in 0..2 {
        match world.compact(end, ROOM) {
            Err(Halt::Refused(error @ StorageError::Corrupt { .. })) => {
                let name = segments[3]
                    .path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                assert!(error.to_string().contains(&name), "{error}");
            }
            _ => panic!("a damaged batch went unseen"),
        }
    }
    let log = world.open_log();
    assert!(log.compaction_stopped().is_some() && log.failed().is_none());
    assert!(!log.dirtiness(i64::MAX, NOW).unwrap().due);
    assert_eq!(log.segments(), segments);
    fill(&mut world, 1, 5);
    world.open_log().sync().unwrap();
}

#[test]
fn a_full_disk_costs_the_compaction_and_not_the_log() {
    let mut world = open(|_| {});
    fill(&mut world, 100, 5);
    world.open_log().sync().unwrap();
    world.machine.faults.fail_where(Op::Write, "log.new", Fault::Full);
    let end = world.model.end;
    assert!(matches!(
        world.compact(end, ROOM),
        Err(Halt::Refused(StorageError::Io { .. }))
    ));
    assert!(world.open_log().failed().is_none());
    world.model.relax();
    done(world.check());
    let left = world.machine.disk.list(&mortal::dir()).unwrap();
    assert!(left.iter().all(|entry| !entry.name.ends_with(".new")), "{left:?}");
    world.machine.faults.fail_where(Op::Write, "nowhere", Fault::Full);
    fill(&mut world, 1, 5);
    assert!(compact(&mut world).bytes_after < 1_200);
}

#[test]
fn a_cancelled_run_keeps_what_it_did() {
    let mut world = open(|_| {});
    fill(&mut world, 100, 5);
    let end = world.model.end;
    let polls = std::cell::Cell::new(0);
    for most in [0, 1, 300, 700, 900, 1_000, 1_100] {
        polls.set(0);
        world.model.compacting(end, NOW);
        let order = CompactionOrder {
            upto: end,
            now_ms: NOW,
            map_bytes: ROOM,
            last_of_producer: &|_| false,
            cancelled: &|| polls.replace(polls.get() + 1) >= most,
        };
        let compaction = world.open_log().compact(&order).unwrap();
        assert!(compaction.interrupted, "{most} {compaction:?}");
        done(world.check());
    }
    assert!(compact(&mut world).bytes_after < 1_200);
}

#[test]
fn what_is_written_after_a_cut_is_dirty_again() {
    let mut world = open(|_| {});
    fill(&mut world, 100, 5);
    compact(&mut world);
    world.open_log().truncate_to(0).unwrap();
    let found = world.open_log().offsets();
    world.model.found(found);
    fill(&mut world, 100, 5);
    assert!(compact(&mut world).bytes_after < 1_200);
}

#[test]
fn readers_and_writers_go_on_while_segments_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 2_000,
        index_interval_bytes: 150,
        tail_cache_bytes: 0,
        compact: true,
        delete: false,
        ..LogConfig::default()
    };
    let env = tidemill_env::Env::real();
    let (log, _) = tidemill_storage::Log::open(&env, dir.path().to_owned(), config).unwrap();
    let batch = |key: u64, offset: u64| {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.append(&RecordData {
            timestamp: NOW,
            key: Some(&key.to_le_bytes()),
            value: Some(&offset.to_le_bytes()),
            headers: &[],
        });
        Batch::parse(&mut builder.build()).unwrap()
    };
    let ending = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            let mut reads = 0u64;
            while !ending.load(Ordering::Acquire) || reads < 1_000 {
                let offsets = log.offsets();
                let mut from = offsets.start;
                while from < offsets.end {
                    let read = log.read(from, offsets.end, 700).unwrap();
                    assert!(read.next_offset > from, "stuck at {from} of {offsets:?}");
                    let mut bytes = bytes::Bytes::from(read.chunks.concat());
                    while !bytes.is_empty() {
                        let batch = Batch::parse(&mut bytes).unwrap();
                        batch.verify_crc().unwrap();
                        for record in batch.records(1 << 10).unwrap().iter() {
                            let record = record.unwrap();
                            assert_eq!(record.value, Some(&record.offset.to_le_bytes()[..]));
                        }
                    }
                    from = read.next_offset;
                    reads += 1;
                }
                log.maintain(NOW).unwrap();
            }
        };
        scope.spawn(reader);
        scope.spawn(reader);
        let mut offset = 0;
        for _ in 0..30 {
            for _ in 0..100 {
                log.append(&[batch(offset % 7, offset)], 0).unwrap();
                offset += 1;
            }
            let order = CompactionOrder {
                upto: i64::MAX,
                now_ms: NOW,
                map_bytes: ROOM,
                last_of_producer: &|_| false,
                cancelled: &|| false,
            };
            let compaction = log.compact(&order).unwrap();
            assert!(
                compaction.passes == 1 && !compaction.interrupted,
                "{compaction:?}"
            );
        }
        ending.store(true, Ordering::Release);
    });
    log.close().unwrap();
}
