use std::time::Duration;

use tidemill_env::sim::{Fault, Op, Survival};
use tidemill_storage::{LogConfig, StorageError};

use crate::{Machine, NOW, append, batch, readable, small};

#[test]
fn a_segment_is_closed_when_the_next_batch_would_not_fit() {
    let machine = Machine::new();
    let (log, _) = machine.open(&small());
    append(&log, [NOW; 12]);
    let large: Vec<i64> = vec![NOW; 40];
    log.append(&[batch(&large)], 0).unwrap();
    append(&log, [NOW]);
    let segments = log.segments();
    let oversized = segments.iter().find(|segment| segment.bytes > 500).unwrap();
    assert_eq!(
        oversized.base_offset, 12,
        "a batch larger than a segment has one to itself"
    );
    assert_eq!(segments.last().unwrap().base_offset, 52);
    assert!(
        segments
            .iter()
            .all(|segment| segment.bytes <= 500 || segment.base_offset == 12)
    );
    assert_eq!(readable(&log), (0..=12).chain([52]).collect::<Vec<i64>>());
    let names: Vec<String> = segments
        .iter()
        .map(|segment| segment.path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names[0], "00000000000000000000.log");
}

#[test]
fn a_segment_is_closed_when_it_is_old_also_without_appends() {
    let machine = Machine::new();
    let config = LogConfig {
        segment_age_ms: 1_000,
        ..LogConfig::default()
    };
    let (log, _) = machine.open(&config);
    append(&log, [NOW, NOW]);
    assert!(!machine.maintain_after(&log, Duration::from_millis(1_000)).rolled);
    assert!(machine.maintain_after(&log, Duration::from_millis(1)).rolled);
    assert_eq!(log.segments().len(), 2);
    assert!(
        !machine.maintain_after(&log, Duration::from_secs(60)).rolled,
        "an empty segment does not age"
    );
}

#[test]
fn retention_by_size_removes_no_more_than_it_must() {
    let machine = Machine::new();
    let config = LogConfig {
        retention_bytes: Some(1_000),
        ..small()
    };
    let (log, _) = machine.open(&config);
    append(&log, [NOW; 30]);
    let before = log.size_bytes();
    let done = machine.maintain_after(&log, Duration::ZERO);
    assert_eq!(before - done.removed_bytes, log.size_bytes());
    let oldest = log.segments()[0].bytes;
    assert!(log.size_bytes() >= 1_000 && log.size_bytes() - oldest < 1_000);
    let start = log.offsets().start;
    assert_eq!(start, log.segments()[0].base_offset);
    assert!(matches!(
        log.read(start - 1, 30, 100),
        Err(StorageError::OffsetOutOfRange { .. })
    ));
    // Whatever the directory lost in a power cut, the log does not begin earlier again.
    machine.disk.crash(Survival::Some, 1);
    drop(log);
    assert_eq!(machine.open(&config).0.offsets().start, start);
}

#[test]
fn retention_by_time_goes_by_the_newest_record_also_after_a_restart() {
    let machine = Machine::new();
    let config = LogConfig {
        retention_ms: Some(10_000),
        ..small()
    };
    let (log, _) = machine.open(&config);
    append(&log, [NOW + 9_000]);
    log.close().unwrap();
    drop(log);
    // The segment goes on with older records, and is closed.
    let (log, _) = machine.open(&config);
    append(&log, [NOW - 9_000; 6]);
    assert!(log.segments().len() > 1);
    log.close().unwrap();
    drop(log);
    let (log, _) = machine.open(&config);
    machine.maintain_after(&log, Duration::from_millis(18_999));
    assert_eq!(log.offsets().start, 0, "its newest record is young enough");
    machine.maintain_after(&log, Duration::from_millis(2));
    assert!(log.offsets().start > 0);
}

#[test]
fn a_quiet_log_is_emptied_by_time_and_keeps_its_end() {
    let machine = Machine::new();
    let config = LogConfig {
        retention_ms: Some(10_000),
        ..LogConfig::default()
    };
    let (log, _) = machine.open(&config);
    append(&log, [NOW; 3]);
    let done = machine.maintain_after(&log, Duration::from_millis(10_001));
    assert_eq!((done.rolled, done.removed_segments), (true, 1));
    let offsets = log.offsets();
    assert_eq!((offsets.start, offsets.end), (3, 3));
    machine.disk.crash(Survival::Nothing, 0);
    drop(log);
    let (log, _) = machine.open(&config);
    assert_eq!(
        (log.offsets().start, log.offsets().end),
        (3, 3),
        "offsets are not given twice"
    );
}

#[test]
fn deleted_records_stay_deleted() {
    let machine = Machine::new();
    let (log, _) = machine.open(&small());
    append(&log, [NOW; 12]);
    assert_eq!(log.delete_before(7).unwrap(), 7);
    assert_eq!(log.delete_before(3).unwrap(), 7, "the start does not go back");
    assert!(log.segments()[0].base_offset <= 7 && log.segments()[1].base_offset > 7);
    let refused = log.delete_before(13);
    assert!(matches!(
        refused,
        Err(StorageError::OffsetOutOfRange {
            start: 7,
            end: 12,
            ..
        })
    ));
    machine.disk.crash(Survival::Nothing, 0);
    drop(log);
    let (log, _) = machine.open(&small());
    assert_eq!(log.offsets().start, 7);
    assert_eq!(log.offsets().end, 12, "deletion made what it refers to durable");
    assert_eq!(log.epoch_end_offset(0), (0, 12));
    assert_eq!(log.delete_before(12).unwrap(), 12);
    assert!(readable(&log).is_empty());
    append(&log, [NOW]);
    assert_eq!(readable(&log), [12]);
}

#[test]
fn a_removal_that_failed_is_tried_again() {
    let machine = Machine::new();
    let (log, _) = machine.open(&small());
    append(&log, [NOW; 12]);
    machine.faults.fail_where(Op::Remove, "00000000.log", Fault::Io);
    assert!(log.delete_before(12).is_err());
    assert_eq!(log.offsets().start, 12, "the records are gone all the same");
    assert!(log.failed().is_none());
    machine.faults.fail_where(Op::Remove, "nothing", Fault::Io);
    let done = machine.maintain_after(&log, Duration::ZERO);
    assert!(done.removed_segments > 0);
    let base = format!("{:020}", log.segments()[0].base_offset);
    let left = machine.names();
    assert!(
        left.iter()
            .filter(|name| name.starts_with('0'))
            .all(|name| name.starts_with(&base)),
        "{left:?}"
    );
}

#[test]
fn records_without_a_timestamp_are_kept_from_when_they_came() {
    let machine = Machine::new();
    let config = LogConfig {
        retention_ms: Some(10_000),
        ..small()
    };
    let (log, _) = machine.open(&config);
    append(&log, [-1, -1]);
    let second = Duration::from_secs(1);
    assert_eq!(machine.maintain_after(&log, 9 * second).removed_segments, 0);
    append(&log, [-1]);
    assert_eq!(machine.maintain_after(&log, 10 * second).removed_segments, 0);
    assert_eq!(readable(&log), [0, 1, 2]);
    // A new process knows no better than that they are there.
    drop(log);
    let (log, _) = machine.open(&config);
    assert_eq!(machine.maintain_after(&log, second).removed_segments, 0);
    assert_eq!(machine.maintain_after(&log, 10 * second).removed_segments, 0);
    machine.maintain_after(&log, second);
    assert_eq!(log.offsets().start, 3);
}
