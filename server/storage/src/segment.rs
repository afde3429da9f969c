//! One file of batches and its two indexes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidemill_env::{Disk, DiskFile, OpenMode};
use tidemill_wire::batch::BatchHeader;

use crate::checkpoint::{self, RECOVERY_POINT};
use crate::index::{Index, OffsetEntry, TimeEntry};
use crate::patience::Patience;

/// The largest timestamp is not known yet.
const UNKNOWN: i64 = i64::MIN;

/// Batches from `base_offset` on. Written by one, read by many: readers look only below [`Segment::size`].
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Mutex<Option<Arc<dyn DiskFile>>>,
    size: AtomicU64,
    max_timestamp: AtomicI64,
    /// When the first record came, by its timestamp or the clock; for rolling by age.
    first_ms: AtomicI64,
    /// When the last record without a timestamp came, by the clock; for retention.
    undated_ms: AtomicI64,
    pub(crate) offsets: Index<OffsetEntry>,
    pub(crate) times: Index<TimeEntry>,
}

/// File sizes of a segment, as a directory listing gave them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) log: u64,
    pub(crate) index: u64,
    pub(crate) time_index: u64,
}

/// `dir/{base offset}.{suffix}`, as Kafka names it.
pub(crate) fn file_path(dir: &Path, base_offset: i64, suffix: &str) -> PathBuf {
    dir.join(format!("{base_offset:020}.{suffix}"))
}

impl Segment {
    /// A segment whose files are there; nothing is opened yet.
    pub(crate) fn existing(disk: Arc<dyn Disk>, dir: &Path, base_offset: i64, sizes: Sizes) -> Self {
        Self::named(disk, dir, base_offset, sizes, "")
    }

    /// As [`Segment::existing`], with `ending` behind the usual names.
    fn named(disk: Arc<dyn Disk>, dir: &Path, base_offset: i64, sizes: Sizes, ending: &str) -> Self {
        let name = |suffix: &str| file_path(dir, base_offset, &format!("{suffix}{ending}"));
        Self {
            base_offset,
            disk,
            path: name("log"),
            file: Mutex::new(None),
            size: AtomicU64::new(sizes.log),
            max_timestamp: AtomicI64::new(UNKNOWN),
            first_ms: AtomicI64::new(UNKNOWN),
            undated_ms: AtomicI64::new(UNKNOWN),
            offsets: Index::new(name("index"), sizes.index),
            times: Index::new(name("timeindex"), sizes.time_index),
        }
    }

    /// A new, empty segment. Its name is durable after the next sync of the directory.
    pub(crate) fn create(disk: Arc<dyn Disk>, dir: &Path, base_offset: i64) -> io::Result<Self> {
        Self::existing(disk, dir, base_offset, Sizes::default()).empty()
    }

    /// A new, empty segment under temporary names (ending in `.new`), which recovery removes.
    pub(crate) fn create_temporary(disk: Arc<dyn Disk>, dir: &Path, base_offset: i64) -> io::Result<Self> {
        let segment = Self::named(disk, dir, base_offset, Sizes::default(), ".new").empty()?;
        // They must be there even if they stay empty: those of the old segment go when they are renamed.
        segment.offsets.create(segment.disk.as_ref())?;
        segment.times.create(segment.disk.as_ref())?;
        Ok(segment)
    }

    fn empty(self) -> io::Result<Self> {
        let segment = self;
        let file = segment.disk.open(&segment.path, OpenMode::Create)?;
        file.set_len(0)?;
        segment.offsets.reset(segment.disk.as_ref())?;
        segment.times.reset(segment.disk.as_ref())?;
        segment.forget_time();
        *segment.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(segment)
    }

    pub(crate) fn file(&self) -> io::Result<Arc<dyn DiskFile>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*file {
            return Ok(Arc::clone(file));
        }
        let opened = self.disk.open(&self.path, OpenMode::Write)?;
        *file = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Opens all its files now: it stays readable when their names are given to others.
    pub(crate) fn pin(&self) -> io::Result<()> {
        self.file()?;
        self.offsets.pin(self.disk.as_ref())?;
        self.times.pin(self.disk.as_ref())
    }

    /// Lets go of file handles; they are opened again when needed.
    pub(crate) fn release(&self) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.offsets.release();
        self.times.release();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that may be read.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Publishes bytes that were written. Readers see them from here on.
    pub(crate) fn set_size(&self, size: u64) {
        self.size.store(size, Ordering::Release);
    }

    /// An offset relative to the base, as the indexes keep it.
    pub(crate) fn relative(&self, offset: i64) -> Option<u32> {
        u32::try_from(offset - self.base_offset).ok()
    }

    /// Notes the timestamps of a batch. One that compaction emptied has none.
    pub(crate) fn note_time(&self, header: &BatchHeader) {
        if header.record_count == 0 {
            return;
        }
        self.max_timestamp
            .fetch_max(header.max_timestamp, Ordering::AcqRel);
    }

    /// Starts the segment's age, once.
    pub(crate) fn note_first(&self, now_ms: i64) {
        let _ = self
            .first_ms
            .compare_exchange(UNKNOWN, now_ms, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Records without a timestamp came at `now_ms`.
    pub(crate) fn note_undated(&self, now_ms: i64) {
        self.undated_ms.fetch_max(now_ms, Ordering::AcqRel);
    }

    /// What retention goes by: the largest timestamp; without any, when its last record came, or `now_ms` if
    /// that was before it was opened.
    pub(crate) fn newest_ms(&self, now_ms: i64) -> io::Result<i64> {
        let newest = self.max_timestamp()?;
        if newest >= 0 {
            return Ok(newest);
        }
        let noted = self
            .undated_ms
            .compare_exchange(UNKNOWN, now_ms, Ordering::AcqRel, Ordering::Acquire);
        Ok(noted.err().unwrap_or(now_ms))
    }

    /// When its age began; `None` while it is empty or since it was opened.
    pub(crate) fn first_ms(&self) -> Option<i64> {
        Some(self.first_ms.load(Ordering::Acquire)).filter(|first| *first != UNKNOWN)
    }

    /// The segment is written or scanned from its beginning: every timestamp will be noted.
    fn forget_time(&self) {
        self.max_timestamp.store(-1, Ordering::Release);
    }

    /// The largest timestamp of its records, -1 when there is none. The time index's last entry says it
    /// for a segment that was closed, or whose log was.
    pub(crate) fn max_timestamp(&self) -> io::Result<i64> {
        let known = self.max_timestamp.load(Ordering::Acquire);
        if known != UNKNOWN {
            return Ok(known);
        }
        let found = self
            .times
            .last(self.disk.as_ref())?
            .map_or(-1, |entry| entry.timestamp);
        self.max_timestamp.fetch_max(found, Ordering::AcqRel);
        Ok(found)
    }

    /// As [`Segment::max_timestamp`], for a segment whose timestamps are known in this process.
    pub(crate) fn known_max_timestamp(&self) -> i64 {
        self.max_timestamp.load(Ordering::Acquire).max(-1)
    }

    /// Whether both indexes have entries, as a closed segment's have.
    pub(crate) fn is_indexed(&self) -> bool {
        self.size() == 0 || !(self.offsets.is_empty() || self.times.is_empty())
    }

    /// Empties the indexes before a scan that fills them again. The files stay until they are replaced
    /// or written to: a scan that is cut short must leave none that looks whole and is not.
    pub(crate) fn forget_indexes(&self) {
        self.offsets.forget();
        self.times.forget();
        self.forget_time();
    }

    /// Replaces both index files by what a scan found, each in one step. The names are durable after the
    /// next sync of the directory.
    pub(crate) fn replace_indexes(&self) -> io::Result<()> {
        self.offsets.replace(self.disk.as_ref())?;
        self.times.replace(self.disk.as_ref())
    }

    /// A position at or before the batch that holds `offset`.
    pub(crate) fn position_before(&self, offset: i64, patience: Patience) -> io::Result<u64> {
        let relative = offset.saturating_sub(self.base_offset);
        let found = self.offsets.floor(self.disk.as_ref(), relative, patience)?;
        Ok(found.map_or(0, |entry| u64::from(entry.position)))
    }

    /// The last batch of which the index knows that begins below offset `upto` and at or below position `most`: its
    /// offset and its position.
    pub(crate) fn entry_within(
        &self,
        upto: i64,
        most: u64,
        patience: Patience,
    ) -> io::Result<Option<(i64, u64)>> {
        let relative = upto.saturating_sub(self.base_offset);
        let found = self.offsets.last_of(self.disk.as_ref(), patience, |entry| {
            i64::from(entry.offset) < relative && u64::from(entry.position) <= most
        })?;
        Ok(found.map(|entry| {
            let offset = self.base_offset.saturating_add(i64::from(entry.offset));
            (offset, u64::from(entry.position))
        }))
    }

    /// Makes its bytes and written-out index entries durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file()?.sync_data()?;
        self.offsets.sync(self.disk.as_ref())?;
        self.times.sync(self.disk.as_ref())
    }

    /// Writes the index entries that are still in memory to their files.
    pub(crate) fn write_indexes(&self) -> io::Result<()> {
        self.offsets.write_out(self.disk.as_ref())?;
        self.times.write_out(self.disk.as_ref())
    }

    fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Makes the names in its directory durable.
    pub(crate) fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir(self.dir())
    }

    /// Makes a scan after a crash begin here, durably: all before is durable.
    pub(crate) fn set_recovery_point(&self) -> io::Result<()> {
        let text = format!("{}\n", self.base_offset);
        checkpoint::write(self.disk.as_ref(), self.dir(), RECOVERY_POINT, &text)
    }

    /// Removes its files. Open readers keep what they hold.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.release();
        for path in [self.offsets.path(), self.times.path(), self.path()] {
            match self.disk.remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}
