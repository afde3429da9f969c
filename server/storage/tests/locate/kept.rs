//! What happens to a segment while a run of its batches waits to be sent.

use std::path::Path;

use tidemill_storage::{CompactionOrder, Found, Log, LogConfig, Stored};

use super::{bytes, config, fill, open};

/// Two closed segments of ten batches each and one that is written to.
fn three_segments(dir: &Path) -> Log {
    let log = open(
        dir,
        &LogConfig {
            segment_bytes: 105_000,
            ..config()
        },
    );
    fill(&log, &[(2, 10_000); 25]);
    log.sync().unwrap();
    assert_eq!(log.segments().len(), 3);
    log
}

fn stored(log: &Log) -> (Stored, bytes::Bytes) {
    let found = log.locate(0, i64::MAX, 1 << 20).unwrap();
    let bytes = bytes(&found);
    match found {
        Found::Stored(stored) => (stored, bytes),
        Found::Read(_) => panic!("not told by its place"),
    }
}

#[test]
fn a_run_outlives_the_removal_of_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_segments(dir.path());
    let (run, before) = stored(&log);
    log.delete_before(45).unwrap();
    assert_eq!(log.segments().len(), 1, "the file's name is gone");
    assert_eq!(run.range.read(usize::MAX, 0).unwrap(), before);
}

#[test]
fn a_run_outlives_the_compaction_of_its_segment_and_later_ones_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_segments(dir.path());
    let (run, before) = stored(&log);
    let compacting = |compact| LogConfig {
        segment_bytes: 105_000,
        compact,
        ..config()
    };
    log.set_config(compacting(true));
    let order = CompactionOrder {
        upto: i64::MAX,
        now_ms: 10_000,
        map_bytes: 1 << 20,
        last_of_producer: &|_| false,
        cancelled: &|| false,
    };
    let done = log.compact(&order).unwrap();
    assert!(done.bytes_after < done.bytes_before, "{done:?}");
    assert_eq!(run.range.read(usize::MAX, 0).unwrap(), before);
    // Where compaction went, offsets do not tell the number of records, whatever the policy is now.
    for compact in [true, false] {
        log.set_config(compacting(compact));
        let found = log.locate(0, i64::MAX, 1 << 20).unwrap();
        assert!(matches!(found, Found::Read(_)), "{found:?}");
    }
    log.close().unwrap();
    drop(log);
    let log = open(dir.path(), &compacting(false));
    let found = log.locate(0, i64::MAX, 1 << 20).unwrap();
    assert!(matches!(found, Found::Read(_)), "{found:?}");
}

#[test]
fn a_file_that_was_cut_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_segments(dir.path());
    let (mut run, _) = stored(&log);
    run.range.file().set_len(60_000).unwrap();
    let error = run.range.read(usize::MAX, 0).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    // What is left of it can still be had.
    run.range.advance(59_000);
    assert_eq!(run.range.read(1_000, 0).unwrap().len(), 1_000);
}
