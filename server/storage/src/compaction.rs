//! Key compaction: of the records of a key only the last is kept.
//!
//! A run first notes the last offset of every key in what was not compacted yet (the dirty part), then
//! writes every closed segment up to there anew without the records that a later one supersedes. Offsets
//! never change; a batch keeps its place, its producer and its sequence. Tombstones go once readers had
//! `delete.retention.ms` to see them (KIP-534). Small segments that come out are joined. The semantics are
//! Kafka's (its documentation, "Log Compaction"; KIP-58, KIP-354, KIP-534).
//!
//! Appends, reads, syncs and retention go on meanwhile. A segment is replaced in one step ([`swap`]);
//! readers that hold the old one read on in it.

mod filter;
mod keys;
mod output;
mod plan;
mod rewrite;
mod run;
mod swap;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidemill_wire::batch::BatchHeader;

pub use plan::Dirtiness;
pub(crate) use swap::finish_swap;

/// Offset below which all was compacted; Kafka's name for it.
const CLEANED: &str = "cleaner-offset-checkpoint";

/// What a compaction is asked to do.
pub struct CompactionOrder<'a> {
    /// Records at or above are left alone: the high watermark.
    pub upto: i64,
    /// Wall time in milliseconds.
    pub now_ms: i64,
    /// Most bytes for the table of keys; 24 a key, and as much again while it grows. With less than the keys
    /// need, the log is gone through several times.
    pub map_bytes: usize,
    /// Whether a batch is the last of its producer: it then stays, if only as a header.
    pub last_of_producer: &'a dyn Fn(&BatchHeader) -> bool,
    /// Asked again and again; the run ends early once it says so, and what was done stays done.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Times that the log was gone through; 0 when there was nothing to do.
    pub passes: u32,
    /// Bytes of the closed segments that were looked at, before.
    pub bytes_before: u64,
    /// Their bytes after.
    pub bytes_after: u64,
    /// How many they were.
    pub segments_before: usize,
    /// How many they are now.
    pub segments_after: usize,
    /// All below is compacted.
    pub clean_upto: i64,
    /// It was cancelled, or the log was cut meanwhile, and there is more to do.
    pub interrupted: bool,
}

/// What a log remembers of its compactions.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Held by the one that runs.
    running: Mutex<()>,
    stopping: AtomicBool,
    memo: Mutex<Memo>,
}

#[derive(Debug, Default)]
struct Memo {
    first_dirty: Option<i64>,
    broken: Option<String>,
}

impl State {
    /// Ends compaction for good; returns once none runs.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.running.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
