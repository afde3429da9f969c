//! The log of commands and the snapshot, on disk.
//!
//! `commands/` is a log whose records are commands in JSON, offset = index. `snapshot.json` holds the
//! state after some index; commands below it are dropped. JSON, because the operator of a broken
//! cluster can read it.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidemill_env::{Disk, Env, OpenMode};
use tidemill_storage::{Log, LogConfig};
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use super::StateMachine;

const SNAPSHOT: &str = "snapshot.json";
/// A command is a document of a user's; this bounds what a damaged length can ask for.
const MAX_COMMAND: usize = 64 << 20;
const READ_BYTES: usize = 4 << 20;
/// Commands after which a snapshot is written, to bound the replay at start.
pub(super) const SNAPSHOT_EVERY: u64 = 10_000;
/// Commands after which a snapshot that could not be written is tried again.
const RETRY_AFTER: u64 = 100;

#[derive(Serialize, Deserialize)]
struct Snapshot<S> {
    /// The next index: commands below it are in `state`.
    index: u64,
    state: S,
}

pub(super) struct Store {
    env: Env,
    dir: PathBuf,
    log: Log,
    snapshot_index: u64,
    /// A snapshot is due when the log has come so far.
    due_index: u64,
}

impl Store {
    /// Opens the files, and replays commands over the snapshot.
    pub(super) fn open<S: StateMachine>(env: &Env, dir: PathBuf, initial: S) -> Result<(Self, S), String> {
        let at = |what: &str, error: &dyn std::fmt::Display| format!("{what} in {}: {error}", dir.display());
        env.disk
            .create_dir_all(&dir)
            .map_err(|error| at("cannot make the metadata directory", &error))?;
        let snapshot = read_snapshot::<S>(env.disk.as_ref(), &dir)?;
        let (log, recovery) = Log::open(env, dir.join("commands"), LogConfig::default())
            .map_err(|error| at("cannot open the log of commands", &error))?;
        if let Some(reason) = &recovery.reason {
            tracing::warn!(dir = %dir.display(), bytes = recovery.truncated_bytes, reason, "metadata log was cut");
        }
        let (snapshot_index, mut state) =
            snapshot.map_or((0, initial), |snapshot| (snapshot.index, snapshot.state));
        let store = Self {
            env: env.clone(),
            dir,
            log,
            snapshot_index,
            due_index: snapshot_index.saturating_add(SNAPSHOT_EVERY),
        };
        let next = store.next_index();
        if next < snapshot_index {
            // What came next would be given indexes that the snapshot is believed to hold.
            return Err(format!(
                "the snapshot in {} holds the commands up to {snapshot_index}, and the log beside it ends at {next}: \
                 restore commands/ and {SNAPSHOT} from the same backup",
                store.dir.display()
            ));
        }
        store.replay(snapshot_index, &mut state)?;
        Ok((store, state))
    }

    fn replay<S: StateMachine>(&self, from: u64, state: &mut S) -> Result<(), String> {
        let offsets = self.log.offsets();
        let mut next = i64::try_from(from).unwrap_or(i64::MAX).max(offsets.start);
        while next < offsets.end {
            let slices = self
                .log
                .read(next, offsets.end, READ_BYTES)
                .map_err(|error| error.to_string())?;
            for chunk in batches(&slices.chunks)? {
                next = self.replay_batch(&chunk, next, state)?;
            }
        }
        Ok(())
    }

    fn replay_batch<S: StateMachine>(&self, batch: &Batch, from: i64, state: &mut S) -> Result<i64, String> {
        let unreadable = |index: i64, error: &dyn std::fmt::Display| {
            format!(
                "command {index} of {} cannot be read: {error}",
                self.dir.display()
            )
        };
        let records = batch
            .records(MAX_COMMAND)
            .map_err(|error| unreadable(from, &error))?;
        for record in records.iter() {
            let record = record.map_err(|error| unreadable(from, &error))?;
            if record.offset < from {
                continue;
            }
            let command = serde_json::from_slice(record.value.unwrap_or_default())
                .map_err(|error| unreadable(record.offset, &error))?;
            // Only accepted commands are logged, so a refusal means that the rules have changed since.
            match state.apply(index_of(record.offset), &command) {
                Ok((next, _)) => *state = next,
                Err(_) => return Err(unreadable(record.offset, &"today's rules refuse it")),
            }
        }
        Ok(batch.header.next_offset())
    }

    /// The index that the next command gets.
    pub(super) fn next_index(&self) -> u64 {
        index_of(self.log.offsets().end)
    }

    /// Writes a snapshot of `state` when a restart would replay many commands. One that cannot be written is
    /// tried again later: the commands are safe in the log.
    pub(super) fn snapshot_if_due<S: StateMachine>(&mut self, state: &S) {
        if self.next_index() < self.due_index {
            return;
        }
        if let Err(reason) = self.snapshot(state) {
            self.due_index = self.next_index().saturating_add(RETRY_AFTER);
            tracing::warn!(
                reason,
                "no snapshot of the metadata was written; it is tried again later"
            );
        }
    }

    /// Writes a snapshot unless the last one holds everything, and marks the log as closed in order.
    pub(super) fn finish<S: StateMachine>(&mut self, state: &S) -> Result<(), String> {
        let saved = match self.next_index() > self.snapshot_index {
            true => self.snapshot(state),
            false => Ok(()),
        };
        saved.and(self.close())
    }

    /// Appends commands (already in JSON) and makes them durable.
    pub(super) fn append(&self, commands: &[Vec<u8>], at_ms: i64) -> Result<(), String> {
        let mut builder = BatchBuilder::new(Compression::None);
        for command in commands {
            builder.append(&RecordData {
                timestamp: at_ms,
                key: None,
                value: Some(command),
                headers: &[],
            });
        }
        let mut bytes = builder.build();
        let batch = Batch::parse(&mut bytes).map_err(|error| error.to_string())?;
        self.log.append(&[batch], 0).map_err(|error| error.to_string())?;
        self.log.sync().map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Writes the state and drops the commands that it holds.
    fn snapshot<S: StateMachine>(&mut self, state: &S) -> Result<(), String> {
        let index = self.next_index();
        let bytes = serde_json::to_vec(&Snapshot { index, state }).map_err(|error| error.to_string())?;
        replace_file(self.env.disk.as_ref(), &self.dir, SNAPSHOT, &bytes)
            .map_err(|error| format!("cannot write {}: {error}", self.dir.join(SNAPSHOT).display()))?;
        self.snapshot_index = index;
        self.due_index = index.saturating_add(SNAPSHOT_EVERY);
        self.log
            .delete_before(i64::try_from(index).unwrap_or(i64::MAX))
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    fn close(&self) -> Result<(), String> {
        self.log.close().map_err(|error| error.to_string())
    }
}

/// Offsets are not negative.
fn index_of(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

fn batches(chunks: &[Bytes]) -> Result<Vec<Batch>, String> {
    let mut whole = Vec::with_capacity(chunks.iter().map(Bytes::len).sum());
    chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
    let mut rest = Bytes::from(whole);
    let mut batches = Vec::new();
    while !rest.is_empty() {
        batches.push(Batch::parse(&mut rest).map_err(|error| error.to_string())?);
    }
    Ok(batches)
}

fn read_snapshot<S: StateMachine>(disk: &dyn Disk, dir: &Path) -> Result<Option<Snapshot<S>>, String> {
    let path = dir.join(SNAPSHOT);
    if !disk.exists(&path) {
        return Ok(None);
    }
    let read = || {
        let file = disk.open(&path, OpenMode::Read)?;
        let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
        file.read_at(0, len)
    };
    let bytes = read().map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let snapshot = serde_json::from_slice(&bytes).map_err(|error| {
        format!(
            "{} is not a metadata snapshot ({error}); restore it from a backup",
            path.display()
        )
    })?;
    Ok(Some(snapshot))
}

/// Replaces a file so that a crash leaves the old one or the new one whole.
fn replace_file(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = dir.join(format!("{name}.new"));
    let file = disk.open(&temporary, OpenMode::Create)?;
    file.set_len(0)?;
    file.write_at(0, &[IoSlice::new(bytes)])?;
    file.sync_data()?;
    disk.rename(&temporary, &dir.join(name))?;
    disk.sync_dir(dir)
}
