use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::{Disk, OpenMode};

fn write(disk: &dyn Disk, path: &str, bytes: &[u8]) {
    let file = disk.open(Path::new(path), OpenMode::Create).unwrap();
    file.write_at(0, &[IoSlice::new(bytes)]).unwrap();
}

fn sync(disk: &dyn Disk, path: &str) {
    disk.open(Path::new(path), OpenMode::Write)
        .unwrap()
        .sync_data()
        .unwrap();
}

fn durable_dir() -> SimDisk {
    let disk = SimDisk::default();
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk
}

#[test]
fn a_crash_keeps_what_was_synced_under_names_that_were() {
    let disk = durable_dir();
    write(&disk, "/d/kept", b"kept");
    write(&disk, "/d/nameless", b"synced, but not its name");
    sync(&disk, "/d/kept");
    disk.sync_dir(Path::new("/d")).unwrap();
    write(&disk, "/d/late", b"late");
    sync(&disk, "/d/late");
    write(&disk, "/d/kept", b"KEPT");
    disk.crash(Survival::Nothing, 0);
    assert_eq!(disk.contents(Path::new("/d/kept")).unwrap(), b"kept");
    assert_eq!(
        disk.contents(Path::new("/d/nameless")).unwrap(),
        b"",
        "its name was synced and its bytes were not"
    );
    assert!(!disk.exists(Path::new("/d/late")));
}

#[test]
fn a_rename_is_lost_or_kept_whole() {
    let (mut old, mut new) = (0, 0);
    for seed in 0..64 {
        let disk = durable_dir();
        write(&disk, "/d/a", b"a");
        sync(&disk, "/d/a");
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.rename(Path::new("/d/a"), Path::new("/d/b")).unwrap();
        disk.crash(Survival::Some, seed);
        let names: Vec<String> = disk
            .list(Path::new("/d"))
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        match names.as_slice() {
            [one] if one == "a" => old += 1,
            [one] if one == "b" => new += 1,
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!(old > 0 && new > 0, "{old} {new}");
}

#[test]
fn unsynced_writes_survive_in_parts_and_any_order() {
    let (mut torn, mut reordered, mut zeros) = (false, false, false);
    for seed in 0..256 {
        let disk = durable_dir();
        write(&disk, "/d/f", b"");
        disk.sync_dir(Path::new("/d")).unwrap();
        let file = disk.open(Path::new("/d/f"), OpenMode::Write).unwrap();
        file.write_at(0, &[IoSlice::new(&[1; 600])]).unwrap();
        file.write_at(600, &[IoSlice::new(&[2; 600])]).unwrap();
        disk.crash(Survival::Some, seed);
        let left = disk.contents(Path::new("/d/f")).unwrap();
        torn |= left.iter().filter(|byte| **byte == 1).count() % 600 != 0;
        reordered |= left.contains(&2) && !left.contains(&1);
        zeros |= left.len() == 1200 && !left.contains(&2);
        // The same seed gives the same history.
        let again = durable_dir();
        write(&again, "/d/f", b"");
        again.sync_dir(Path::new("/d")).unwrap();
        let file = again.open(Path::new("/d/f"), OpenMode::Write).unwrap();
        file.write_at(0, &[IoSlice::new(&[1; 600])]).unwrap();
        file.write_at(600, &[IoSlice::new(&[2; 600])]).unwrap();
        again.crash(Survival::Some, seed);
        assert_eq!(again.contents(Path::new("/d/f")).unwrap(), left);
    }
    assert!(torn && reordered && zeros, "{torn} {reordered} {zeros}");
}

#[test]
fn a_failed_sync_leaves_bytes_that_only_the_cache_holds() {
    let disk = Arc::new(durable_dir());
    write(disk.as_ref(), "/d/f", b"");
    disk.sync_dir(Path::new("/d")).unwrap();
    let faults = Arc::new(Faults::default());
    let faulty = FaultyDisk::new(Arc::clone(&disk) as Arc<dyn FaultTarget>, Arc::clone(&faults));
    let file = faulty.open(Path::new("/d/f"), OpenMode::Write).unwrap();
    faults.fail_at(1, Fault::Io);
    file.write_at(0, &[IoSlice::new(b"lost")]).unwrap();
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    assert_eq!(&file.read_at(0, 4).unwrap()[..], b"lost");
    assert_eq!(faults.hit().as_deref(), Some("Sync /d/f"));
    file.forget_cached();
    assert!(file.is_empty().unwrap(), "the second sync proved nothing");
}

#[test]
fn a_crash_ends_all_and_a_full_disk_takes_what_fits() {
    let disk = Arc::new(durable_dir());
    let faults = Arc::new(Faults::default());
    let faulty = FaultyDisk::new(Arc::clone(&disk) as Arc<dyn FaultTarget>, Arc::clone(&faults));
    faults.set_room(Some(6));
    let file = faulty.open(Path::new("/d/f"), OpenMode::Create).unwrap();
    file.write_at(0, &[IoSlice::new(b"four")]).unwrap();
    file.write_at(0, &[IoSlice::new(b"FOUR")]).unwrap();
    let error = file.write_at(4, &[IoSlice::new(b"more")]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(disk.contents(Path::new("/d/f")).unwrap(), b"FOURmo");
    assert_eq!(faults.operations(), 4);
    faults.set_room(None);
    faults.crash_at(4, true);
    file.write_at(0, &[IoSlice::new(b"last")]).unwrap_err();
    file.read_at(0, 1).unwrap_err();
    assert!(faults.crashed());
    assert_eq!(
        disk.contents(Path::new("/d/f")).unwrap(),
        b"lastmo",
        "it took effect and nobody heard"
    );
}

#[test]
fn a_sleep_ends_when_the_clock_is_moved_past_it() {
    let clock = Arc::new(SimClock::new(1_000));
    let (env, tasks) = env(Arc::new(SimDisk::default()), Arc::clone(&clock), 1);
    let sleep = env.clock.sleep(Duration::from_millis(10));
    env.tasks.spawn(sleep);
    assert_eq!(tasks.run(), 1);
    clock.advance(Duration::from_millis(9));
    assert_eq!(tasks.run(), 1);
    clock.advance(Duration::from_millis(1));
    assert_eq!(tasks.run(), 0);
    assert_eq!(env.clock.wall_ms(), 1_010);
    assert_eq!(env.clock.monotonic(), Duration::from_millis(10));
}
