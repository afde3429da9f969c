//! The parts of the log one by one: rolling, retention, deletion, recovery, lookups by time, the tail cache.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod recovery;
mod retention;
mod times;

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tidemill_env::sim::{self, FaultTarget, Faults, FaultyDisk, SimClock, SimDisk};
use tidemill_env::{Clock, Disk, Env, OpenMode};
use tidemill_storage::{Log, LogConfig, Recovery};
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

pub(crate) const DIR: &str = "/logs/topic/0";
/// Wall time when a test begins.
pub(crate) const NOW: i64 = 1_000_000;

/// A machine in memory whose clock stands still.
pub(crate) struct Machine {
    pub(crate) disk: SimDisk,
    pub(crate) faults: Arc<Faults>,
    clock: Arc<SimClock>,
    env: Env,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let disk = SimDisk::default();
        disk.create_dir_all(Path::new("/logs")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let faults = Arc::new(Faults::default());
        let clock = Arc::new(SimClock::new(NOW));
        let target: Arc<dyn FaultTarget> = Arc::new(disk.clone());
        let faulty = FaultyDisk::new(target, Arc::clone(&faults));
        let (env, _) = sim::env(Arc::new(faulty), Arc::clone(&clock), 0);
        Self {
            disk,
            faults,
            clock,
            env,
        }
    }

    pub(crate) fn open(&self, config: &LogConfig) -> (Log, Recovery) {
        Log::open(&self.env, PathBuf::from(DIR), config.clone()).unwrap()
    }

    /// Lets time pass and maintains.
    pub(crate) fn maintain_after(&self, log: &Log, pass: Duration) -> tidemill_storage::Maintenance {
        self.clock.advance(pass);
        log.maintain(self.clock.wall_ms()).unwrap()
    }

    /// Changes bytes of a file behind the log's back.
    pub(crate) fn overwrite(&self, name: &str, at: u64, bytes: &[u8]) {
        let path = Path::new(DIR).join(name);
        let file = self.disk.open(&path, OpenMode::Write).unwrap();
        file.write_at(at, &[IoSlice::new(bytes)]).unwrap();
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = self.disk.list(Path::new(DIR)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }
}

/// Small segments: about five of the batches below.
pub(crate) fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 500,
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

/// A batch of one record a timestamp.
pub(crate) fn batch(times: &[i64]) -> Batch {
    let mut builder = BatchBuilder::new(Compression::None);
    for time in times {
        builder.append(&RecordData {
            timestamp: *time,
            key: Some(b"key"),
            value: Some(&[9; 20]),
            headers: &[],
        });
    }
    Batch::parse(&mut builder.build()).unwrap()
}

/// Appends one batch for each of `times`.
pub(crate) fn append(log: &Log, times: impl IntoIterator<Item = i64>) {
    for time in times {
        log.append(&[batch(&[time])], 0).unwrap();
    }
}

/// Base offsets of the batches that can be read.
pub(crate) fn readable(log: &Log) -> Vec<i64> {
    let mut found = Vec::new();
    let visit = &mut |header: &tidemill_wire::batch::BatchHeader, _| {
        found.push(header.base_offset);
        std::ops::ControlFlow::Continue(())
    };
    log.scan(log.offsets().start, visit).unwrap();
    found
}
