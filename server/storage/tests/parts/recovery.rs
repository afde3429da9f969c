use std::path::Path;

use tidemill_env::Disk;
use tidemill_env::sim::{Fault, Op, Survival};
use tidemill_storage::{Log, StorageError};

use crate::{DIR, Machine, NOW, append, readable, small};

/// A log that was synced and lost its process.
fn killed(machine: &Machine, batches: usize) -> u64 {
    let (log, _) = machine.open(&small());
    append(&log, vec![NOW; batches]);
    log.sync().unwrap();
    log.segments().last().unwrap().bytes
}

fn last_name(log: &Log) -> String {
    let path = log.segments().last().unwrap().path.clone();
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn a_clean_start_reads_no_records_and_an_unclean_one_only_the_last_segment() {
    let machine = Machine::new();
    let last = killed(&machine, 23);
    let (log, recovery) = machine.open(&small());
    assert!(!recovery.clean);
    assert_eq!(
        recovery.scanned_bytes, last,
        "what was closed and synced is not read again"
    );
    assert_eq!((recovery.truncated_bytes, recovery.reason), (0, None));
    log.close().unwrap();
    drop(log);
    // Reading any log file would fail.
    machine.faults.fail_where(Op::Read, ".log", Fault::Io);
    let (log, recovery) = machine.open(&small());
    assert!(recovery.clean);
    assert_eq!(recovery.scanned_bytes, 0);
    assert_eq!(log.offsets().end, 23);
}

#[test]
fn the_log_is_cut_at_the_first_batch_that_is_not_whole() {
    let machine = Machine::new();
    let last = killed(&machine, 23);
    let name = last_name(&machine.open(&small()).0);
    let size = last / 3;
    // A flipped bit in the second batch of the segment.
    machine.overwrite(&name, size + 80, &[0xff]);
    let (log, recovery) = machine.open(&small());
    assert_eq!(recovery.truncated_bytes, 2 * size);
    let reason = recovery.reason.unwrap();
    assert!(
        reason.contains(&name) && reason.contains(&format!("byte {size}")),
        "{reason}"
    );
    assert_eq!(readable(&log), (0..21).collect::<Vec<i64>>());
    append(&log, [NOW]);
    log.sync().unwrap();
    drop(log);
    let (log, recovery) = machine.open(&small());
    assert_eq!(recovery.reason, None);
    assert_eq!(log.offsets().end, 22);
}

#[test]
fn a_length_that_cannot_be_is_the_end() {
    for length in [[0u8; 4], [0xff; 4], [0x7f, 0xff, 0xff, 0xff]] {
        let machine = Machine::new();
        let last = killed(&machine, 23);
        let name = last_name(&machine.open(&small()).0);
        machine.overwrite(&name, last / 3 * 2 + 8, &length);
        let (log, recovery) = machine.open(&small());
        assert_eq!(recovery.truncated_bytes, last / 3, "{length:?}");
        assert_eq!(log.offsets().end, 22);
    }
}

#[test]
fn a_log_whose_file_grew_after_a_clean_close_is_scanned() {
    let machine = Machine::new();
    let last = killed(&machine, 23);
    let (log, _) = machine.open(&small());
    let name = last_name(&log);
    log.close().unwrap();
    drop(log);
    machine.overwrite(&name, last, b"left by who knows");
    let (log, recovery) = machine.open(&small());
    assert!(!recovery.clean);
    assert_eq!(recovery.truncated_bytes, 17);
    assert_eq!(log.offsets().end, 23);
}

#[test]
fn a_lost_index_is_made_again() {
    let machine = Machine::new();
    killed(&machine, 23);
    let (log, _) = machine.open(&small());
    log.close().unwrap();
    drop(log);
    let index = Path::new(DIR).join("00000000000000000000.timeindex");
    let before = machine.disk.contents(&index).unwrap();
    machine.disk.remove_file(&index).unwrap();
    let (log, recovery) = machine.open(&small());
    assert!(!recovery.clean);
    assert_eq!(machine.disk.contents(&index).unwrap(), before);
    assert_eq!(readable(&log).len(), 23);
}

#[test]
fn checkpoints_that_make_no_sense_count_as_none() {
    let machine = Machine::new();
    killed(&machine, 23);
    for name in [
        "recovery-point-offset-checkpoint",
        "log-start-offset-checkpoint",
        "leader-epoch-checkpoint",
        "clean-shutdown",
    ] {
        let path = Path::new(DIR).join(name);
        machine
            .disk
            .open(&path, tidemill_env::OpenMode::Create)
            .unwrap()
            .set_len(0)
            .unwrap();
        machine.overwrite(name, 0, b"\xffnonsense\n\n");
    }
    let (log, recovery) = machine.open(&small());
    assert!(!recovery.clean);
    assert_eq!(readable(&log), (0..23).collect::<Vec<i64>>());
    assert_eq!(log.latest_epoch(), Some(0), "epochs are read from the records");
}

#[test]
fn what_a_failed_sync_left_in_the_cache_is_not_served_after_a_restart() {
    let machine = Machine::new();
    let (log, _) = machine.open(&small());
    append(&log, [NOW, NOW]);
    log.sync().unwrap();
    append(&log, [NOW]);
    machine.faults.fail_where(Op::Sync, "00.log", Fault::Io);
    assert!(matches!(log.sync(), Err(StorageError::Failed { .. })));
    machine.faults.fail_where(Op::Sync, "nothing", Fault::Io);
    assert!(
        matches!(log.sync(), Err(StorageError::Failed { .. })),
        "never tried again"
    );
    assert!(matches!(
        log.append(&[crate::batch(&[NOW])], 0),
        Err(StorageError::Failed { .. })
    ));
    assert_eq!(log.offsets().durable, 2);
    assert!(
        !log.read(0, 2, 1_000).unwrap().is_empty(),
        "the rest stays readable"
    );
    drop(log);
    let (log, _) = machine.open(&small());
    assert_eq!(log.offsets().end, 2);
    machine.disk.crash(Survival::Nothing, 0);
    drop(log);
    assert_eq!(machine.open(&small()).0.offsets().end, 2);
}
