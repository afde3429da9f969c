//! The log: one writer, many readers.

mod locate;
mod lookup;
mod maintain;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tidemill_env::Env;

use crate::cache::TailCache;
use crate::checkpoint::{self, CLEAN, FAILED};
use crate::compaction;
use crate::config::LogConfig;
use crate::epochs::Epochs;
use crate::error::StorageError;
use crate::recovery::{self, Indexer, Recovery};
use crate::segment::Segment;

pub use lookup::TimestampOffset;
pub use maintain::{Maintenance, SegmentInfo};
pub use write::Appended;

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOffsets {
    /// First offset that may be read.
    pub start: i64,
    /// One past the last record.
    pub end: i64,
    /// Every record below survives a crash.
    pub durable: i64,
}

/// One partition's log. Share it by `Arc`; see the crate's page for what may run at once.
pub struct Log {
    pub(crate) env: Env,
    pub(crate) dir: PathBuf,
    config: RwLock<Arc<LogConfig>>,
    /// Oldest first, never empty; the last one is written to.
    pub(crate) segments: RwLock<Vec<Arc<Segment>>>,
    writer: Mutex<Writer>,
    cache: Mutex<TailCache>,
    epochs: Mutex<Epochs>,
    /// Held by the one sync that runs.
    syncing: Mutex<()>,
    /// Held while closed segments are removed or replaced.
    pub(crate) cleaning: Mutex<()>,
    pub(crate) compaction: compaction::State,
    start: AtomicI64,
    end: AtomicI64,
    durable: AtomicI64,
    /// All segments below are durable under durable names.
    pub(crate) recovery_point: AtomicI64,
    unsynced: AtomicU64,
    failed: Mutex<Option<StorageError>>,
}

/// What only the writer touches.
struct Writer {
    active: Arc<Segment>,
    indexer: Indexer,
    /// Closed since the last sync.
    unsynced: Vec<Arc<Segment>>,
    /// A name in the directory is new or gone since the last sync.
    names_changed: bool,
    /// The directory itself may be new: its parents' entries must be durable too.
    fresh: bool,
    /// The mark of a clean close is still there.
    marked_clean: bool,
}

impl Log {
    /// Opens the log in `dir`, making it when there is none. After a clean close it reads no records;
    /// after a crash it scans from the last recovery point and cuts off what is torn.
    ///
    /// # Errors
    /// [`StorageError::Io`] when the directory cannot be read or written.
    pub fn open(env: &Env, dir: PathBuf, config: LogConfig) -> Result<(Self, Recovery), StorageError> {
        let opened = Self::recover(env, dir.clone(), config);
        if opened.is_err() {
            // A sync may have failed: the next attempt must not believe the page cache.
            checkpoint::mark_failed(env.disk.as_ref(), &dir);
        }
        opened
    }

    fn recover(env: &Env, dir: PathBuf, config: LogConfig) -> Result<(Self, Recovery), StorageError> {
        let found = recovery::recover(env, &dir, &config)?;
        let Some(active) = found.segments.last().cloned() else {
            return Err(StorageError::Corrupt {
                dir: dir.display().to_string(),
                what: "no segment".into(),
            });
        };
        let marked_clean = env.disk.exists(&dir.join(CLEAN));
        let writer = Writer {
            active,
            indexer: found.indexer,
            unsynced: Vec::new(),
            names_changed: found.fresh,
            fresh: found.fresh,
            marked_clean,
        };
        let log = Self {
            env: env.clone(),
            cache: Mutex::new(TailCache::new(Arc::clone(&config.cache))),
            config: RwLock::new(Arc::new(config)),
            segments: RwLock::new(found.segments),
            writer: Mutex::new(writer),
            epochs: Mutex::new(found.epochs),
            syncing: Mutex::new(()),
            cleaning: Mutex::new(()),
            compaction: compaction::State::default(),
            start: AtomicI64::new(found.start),
            end: AtomicI64::new(found.end),
            durable: AtomicI64::new(found.end),
            recovery_point: AtomicI64::new(found.recovery_point),
            unsynced: AtomicU64::new(0),
            failed: Mutex::new(None),
            dir,
        };
        if !found.recovery.clean {
            // What was scanned may be in the page cache only, and is served from now on. Closed segments were
            // synced as they were scanned, or before.
            log.sync()?;
        }
        let failed = log.dir.join(FAILED);
        if env.disk.exists(&failed) {
            let removed = env.disk.remove_file(&failed);
            removed.map_err(|error| StorageError::io("opening log", &log.dir, &error))?;
        }
        Ok((log, found.recovery))
    }

    /// The directory of its files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it stands. Takes no lock.
    #[must_use]
    pub fn offsets(&self) -> LogOffsets {
        // Start first: it never passes an end that was read later.
        let start = self.start.load(Ordering::Acquire);
        let durable = self.durable.load(Ordering::Acquire);
        LogOffsets {
            start,
            end: self.end.load(Ordering::Acquire),
            durable,
        }
    }

    /// Bytes appended and not yet durable.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.unsynced.load(Ordering::Acquire)
    }

    /// Why it takes no more records, if a write or sync failed.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.lock_failed().as_ref().map(ToString::to_string)
    }

    /// The newest leader epoch that wrote here.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<i32> {
        self.lock_epochs().latest()
    }

    /// The largest epoch up to `epoch` and the offset at which it ended; (-1, -1) for an epoch later
    /// than all known (KIP-101).
    #[must_use]
    pub fn epoch_end_offset(&self, epoch: i32) -> (i32, i64) {
        self.lock_epochs().end_of(epoch, self.offsets().end)
    }

    /// Changes settings; appends, maintenance and compaction follow them from now on.
    pub fn set_config(&self, config: LogConfig) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Makes all durable and leaves a mark by which the next open knows the end without reading.
    ///
    /// # Errors
    /// [`StorageError`]; what was durable still is, and will be scanned.
    pub fn close(&self) -> Result<(), StorageError> {
        self.compaction.stop();
        self.sync()?;
        let mut writer = self.lock_writer();
        self.mark_clean(&mut writer)
            .map_err(|error| self.fail("close", &error))?;
        drop(writer);
        self.all_segments().iter().for_each(|segment| segment.release());
        Ok(())
    }

    fn mark_clean(&self, writer: &mut Writer) -> std::io::Result<()> {
        let active = Arc::clone(&writer.active);
        writer.indexer.finish(&active);
        active.write_indexes()?;
        active.sync()?;
        let mark = format!(
            "{} {} {}\n",
            self.offsets().end,
            active.base_offset,
            active.size()
        );
        writer.marked_clean = true;
        checkpoint::write(self.env.disk.as_ref(), &self.dir, CLEAN, &mark)
    }

    pub(crate) fn config(&self) -> Arc<LogConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn all_segments(&self) -> Vec<Arc<Segment>> {
        self.segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The first failure, as the answer to every later write.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        match &*self.lock_failed() {
            None => Ok(()),
            Some(StorageError::Full { dir }) => Err(StorageError::Full { dir: dir.clone() }),
            Some(error) => Err(StorageError::Failed {
                dir: self.dir.display().to_string(),
                reason: error.to_string(),
            }),
        }
    }

    /// Ends writing for good. Nothing is tried again: after a failed sync the system takes the bytes for
    /// written that are not.
    pub(crate) fn fail(&self, what: &str, error: &std::io::Error) -> StorageError {
        checkpoint::mark_failed(self.env.disk.as_ref(), &self.dir);
        let dir = self.dir.display().to_string();
        let failure = if error.kind() == std::io::ErrorKind::StorageFull {
            StorageError::Full { dir }
        } else {
            StorageError::Failed {
                dir,
                reason: format!("{what}: {error}"),
            }
        };
        self.lock_failed().get_or_insert(failure).clone()
    }

    fn lock_writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_cache(&self) -> MutexGuard<'_, TailCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_epochs(&self) -> MutexGuard<'_, Epochs> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_failed(&self) -> MutexGuard<'_, Option<StorageError>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
