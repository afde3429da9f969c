//! The directory of a log as a crash, a bad disk or a stranger left it.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use tidemill_env::Env;
use tidemill_storage::{Log, LogConfig, StorageError};
use tidemill_wire::batch::{self, Attributes, Batch, BatchHeader, patch};
use tidemill_wire::codec::Compression;

use crate::batches::sample;

/// The mark of a clean close and the recovery point are this program's own word: with them, damage elsewhere may
/// be found late, by a reader.
const VOUCHED: u8 = 0b11;
/// Batches get the checksum that their bytes have, so that what lies behind it is reached.
const SEALED: u8 = 1 << 7;

/// A first byte says which small files there are and whether batches are sealed; those, two indexes and a first
/// segment follow, each with its length; what is left is a second segment.
pub(crate) fn run(mut data: &[u8]) {
    let scratch = scratch();
    let dir = scratch.path().join("log");
    let [present] = crate::take(&mut data);
    lay_out(&dir, present, &mut data);
    let (log, recovery) = open(&dir);
    let read = read_all(&log);
    if present & VOUCHED != 0 {
        return;
    }
    read.expect("what a scan kept can be read");
    // A log that was cut to what is sound takes new records, and is sound when opened again.
    let before = log.offsets().end;
    if before < i64::MAX / 2 {
        let mut bytes = sample(Compression::None, 0, Attributes::default());
        let batch = Batch::parse(&mut bytes).unwrap();
        log.append(&[batch], 1).unwrap();
        assert_eq!(log.offsets().end, before + 4);
        log.sync().unwrap();
    }
    let end = log.offsets().end;
    drop(log);
    let (again, second) = open(&dir);
    assert_eq!(
        again.offsets().end,
        end,
        "nothing that was kept is lost: {recovery:?} {second:?}"
    );
    assert_eq!(second.truncated_bytes, 0, "one recovery is enough: {second:?}");
    read_all(&again).expect("what a scan kept can be read");
}

/// Memory rather than a disk, where there is such a place: every run makes and removes files.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a directory for scratch files")
}

const NAMES: [&str; 4] = [
    "clean-shutdown",
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
    "leader-epoch-checkpoint",
];

fn lay_out(dir: &Path, present: u8, data: &mut &[u8]) {
    fs::create_dir_all(dir).unwrap();
    for (bit, name) in NAMES.iter().enumerate() {
        if present >> bit & 1 == 1 {
            fs::write(dir.join(name), crate::part(data)).unwrap();
        }
    }
    for (bit, kind) in ["index", "timeindex"].iter().enumerate() {
        if present >> (4 + bit) & 1 == 1 {
            fs::write(dir.join(format!("{:020}.{kind}", 0)), crate::part(data)).unwrap();
        }
    }
    let segment = |base: i64, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if present & SEALED != 0 {
            seal(&mut bytes);
        }
        fs::write(dir.join(format!("{base:020}.log")), bytes).unwrap();
    };
    segment(0, crate::part(data));
    if !data.is_empty() {
        segment(SECOND, data);
    }
}

/// Sets the checksum of every batch that can be found.
fn seal(mut bytes: &mut [u8]) {
    while let Ok(header) = BatchHeader::parse(bytes) {
        if header.size() > bytes.len() {
            return;
        }
        let (batch, rest) = bytes.split_at_mut(header.size());
        patch::set_crc(batch);
        bytes = rest;
    }
}

/// Where the second segment begins: behind two batches of [`sample`].
const SECOND: i64 = 8;

fn open(dir: &Path) -> (Log, tidemill_storage::Recovery) {
    let config = LogConfig {
        index_interval_bytes: 64,
        tail_cache_bytes: 0,
        ..LogConfig::default()
    };
    Log::open(&Env::real(), dir.to_path_buf(), config).expect("what cannot be used is cut, not an error")
}

/// Reads from start to end as a consumer would, and looks up times. What is read is whole.
fn read_all(log: &Log) -> Result<(), StorageError> {
    // A sound checksum over records that make no sense is an error of the look-up.
    let _ = log.offset_for_timestamp(1_700_000_000_000);
    let _ = log.max_timestamp();
    let offsets = log.offsets();
    assert!(offsets.start <= offsets.end, "{offsets:?}");
    let mut at = offsets.start;
    while at < offsets.end {
        let read = log.read(at, offsets.end, 1 << 20)?;
        if read.is_empty() {
            break;
        }
        assert!(
            read.next_offset > at,
            "reading goes on: {} after {at}",
            read.next_offset
        );
        let mut batches = batch::split(Bytes::from(read.chunks.concat()));
        for found in batches.by_ref() {
            assert!(found.is_ok(), "{found:?}");
        }
        assert!(batches.remainder().is_empty(), "batches are answered whole");
        at = read.next_offset;
    }
    Ok(())
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let batch = |at| sample(Compression::None, at, Attributes::default());
    let packed = |at| sample(Compression::Zstd, at, Attributes::default());
    let first = [batch(0), packed(4)].concat();
    let second = [packed(8), batch(12)].concat();
    let input = |present: u8, parts: &[&[u8]], rest: &[u8]| {
        let mut out = vec![present];
        for part in parts {
            crate::with_length(&mut out, part);
        }
        out.extend(rest);
        out
    };
    let clean = format!("16 8 {}\n", second.len());
    vec![
        input(0, &[&[]], &[]),
        input(0, &[&first], &[]),
        input(0, &[&first], &second),
        input(SEALED, &[&first], &second),
        input(0, &[&first], &second[..second.len() - 5]),
        input(
            0b1111,
            &[clean.as_bytes(), b"8\n", b"2\n", b"0\n1\n3 0\n", &first],
            &second,
        ),
        input(
            0b11_0010,
            &[b"8\n", &[0, 0, 0, 4, 0, 0, 0, 200], &[0; 24], &first],
            &second,
        ),
        input(
            0b11_0001,
            &[clean.as_bytes(), &[0, 0, 0, 0, 0, 0, 0, 0], &[0; 12], &first],
            &second,
        ),
    ]
}
