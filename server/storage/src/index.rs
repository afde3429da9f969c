//! Sparse indexes of one segment, in Kafka's formats.
//!
//! An entry is appended in memory and written out when the segment or the log closes: until then a crash
//! costs a scan of the segment, which rebuilds it. Entries already on disk are searched there, so that
//! thousands of idle segments hold no index in memory.

use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tidemill_env::{Disk, DiskFile, OpenMode};

use crate::patience::Patience;

/// An entry of fixed size whose search key rises from entry to entry.
pub(crate) trait Entry: Copy {
    /// Bytes on disk.
    const SIZE: usize;
    fn encode(self, out: &mut Vec<u8>);
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// What entries are found by.
    fn key(self) -> i64;
}

/// Where the batch with `offset` (relative to the segment's base) begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    pub(crate) offset: u32,
    pub(crate) position: u32,
}

impl Entry for OffsetEntry {
    const SIZE: usize = 8;

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let offset = u32::from_be_bytes(*bytes.first_chunk()?);
        let position = u32::from_be_bytes(*bytes.get(4..)?.first_chunk()?);
        Some(Self { offset, position })
    }

    fn key(self) -> i64 {
        i64::from(self.offset)
    }
}

/// `offset` (relative) is the first that bears `timestamp`, the largest so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: i64,
    pub(crate) offset: u32,
}

impl Entry for TimeEntry {
    const SIZE: usize = 12;

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.offset.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let timestamp = i64::from_be_bytes(*bytes.first_chunk()?);
        let offset = u32::from_be_bytes(*bytes.get(8..)?.first_chunk()?);
        Some(Self { timestamp, offset })
    }

    fn key(self) -> i64 {
        self.timestamp
    }
}

/// A sparse index: a prefix on disk, the rest in memory.
pub(crate) struct Index<E> {
    path: PathBuf,
    inner: Mutex<Inner<E>>,
}

struct Inner<E> {
    /// Opened at first use.
    file: Option<Arc<dyn DiskFile>>,
    /// Entries in the file.
    written: u64,
    /// Entries after those.
    tail: Vec<E>,
    /// Changed and not yet synced.
    unsynced: bool,
    /// The file holds bytes that belong to no entry: it is emptied before it is written to.
    stale: bool,
}

impl<E: Entry> Index<E> {
    /// An index whose file holds `len` bytes (0 when there is none).
    pub(crate) fn new(path: PathBuf, len: u64) -> Self {
        let written = len / E::SIZE as u64;
        Self {
            path,
            inner: Mutex::new(Inner {
                file: None,
                written,
                tail: Vec::new(),
                unsynced: false,
                stale: false,
            }),
        }
    }

    pub(crate) fn push(&self, entry: E) {
        self.lock().tail.push(entry);
    }

    pub(crate) fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.written == 0 && inner.tail.is_empty()
    }

    /// The last entry, wherever it is.
    pub(crate) fn last(&self, disk: &dyn Disk) -> io::Result<Option<E>> {
        let mut inner = self.lock();
        if let Some(last) = inner.tail.last() {
            return Ok(Some(*last));
        }
        match inner.written.checked_sub(1) {
            Some(at) => inner.read(disk, &self.path, at, Patience::Wait),
            None => Ok(None),
        }
    }

    /// The last entry whose key is at most `key`.
    pub(crate) fn floor(&self, disk: &dyn Disk, key: i64, patience: Patience) -> io::Result<Option<E>> {
        self.last_of(disk, patience, |entry| entry.key() <= key)
    }

    /// The last entry that is `wanted`. When one is not, none after it may be.
    pub(crate) fn last_of(
        &self,
        disk: &dyn Disk,
        patience: Patience,
        wanted: impl Fn(&E) -> bool,
    ) -> io::Result<Option<E>> {
        let mut inner = self.lock();
        let after = inner.tail.partition_point(&wanted);
        if let Some(at) = after.checked_sub(1) {
            return Ok(inner.tail.get(at).copied());
        }
        let (mut low, mut high) = (0, inner.written);
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match inner.read(disk, &self.path, middle, patience)? {
                Some(entry) if wanted(&entry) => {
                    found = Some(entry);
                    low = middle + 1;
                }
                _ => high = middle,
            }
        }
        Ok(found)
    }

    /// Moves the tail to the file's page cache.
    pub(crate) fn write_out(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.stale && disk.exists(&self.path) {
            inner.open(disk, &self.path, OpenMode::Create)?.set_len(0)?;
            inner.unsynced = true;
        }
        inner.stale = false;
        if inner.tail.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(inner.tail.len() * E::SIZE);
        inner.tail.iter().for_each(|entry| entry.encode(&mut bytes));
        let at = inner.written * E::SIZE as u64;
        let file = inner.open(disk, &self.path, OpenMode::Create)?;
        file.write_at(at, &[IoSlice::new(&bytes)])?;
        inner.written += inner.tail.len() as u64;
        inner.tail = Vec::new();
        inner.unsynced = true;
        Ok(())
    }

    /// Makes what was written out durable.
    pub(crate) fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.unsynced {
            inner.open(disk, &self.path, OpenMode::Create)?.sync_data()?;
            inner.unsynced = false;
        }
        Ok(())
    }

    /// Empties it: the segment is new. A file of that name is what a crash left of another.
    pub(crate) fn reset(&self, disk: &dyn Disk) -> io::Result<()> {
        if disk.exists(&self.path) {
            let mut inner = self.lock();
            inner.open(disk, &self.path, OpenMode::Create)?.set_len(0)?;
            inner.unsynced = true;
        }
        self.forget();
        self.lock().stale = false;
        Ok(())
    }

    /// Makes the file, empty.
    pub(crate) fn create(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut inner = self.lock();
        inner.open(disk, &self.path, OpenMode::Create)?.set_len(0)?;
        inner.unsynced = true;
        Ok(())
    }

    /// Forgets all entries, and leaves the file.
    pub(crate) fn forget(&self) {
        let mut inner = self.lock();
        inner.written = 0;
        inner.tail.clear();
        inner.stale = true;
    }

    /// Makes the entries in memory all that the file holds, durably and in one step: a crash leaves the
    /// old file or the new one. The new one's name is durable after the next sync of the directory.
    pub(crate) fn replace(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut inner = self.lock();
        let mut bytes = Vec::with_capacity(inner.tail.len() * E::SIZE);
        inner.tail.iter().for_each(|entry| entry.encode(&mut bytes));
        let mut temporary = self.path.clone().into_os_string();
        temporary.push(".new");
        let file = disk.open(temporary.as_ref(), OpenMode::Create)?;
        file.set_len(0)?;
        file.write_at(0, &[IoSlice::new(&bytes)])?;
        file.sync_data()?;
        disk.rename(temporary.as_ref(), &self.path)?;
        inner.written = inner.tail.len() as u64;
        inner.tail = Vec::new();
        inner.file = None;
        inner.unsynced = false;
        inner.stale = false;
        Ok(())
    }

    /// Opens the file now, if there is anything in it.
    pub(crate) fn pin(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.written > 0 {
            inner.open(disk, &self.path, OpenMode::Write)?;
        }
        Ok(())
    }

    /// Bytes of its file.
    pub(crate) fn file_len(&self) -> u64 {
        self.lock().written * E::SIZE as u64
    }

    /// Closes the file; it is opened again when needed.
    pub(crate) fn release(&self) {
        self.lock().file = None;
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Entry> Inner<E> {
    fn open(
        &mut self,
        disk: &dyn Disk,
        path: &std::path::Path,
        mode: OpenMode,
    ) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        let file = disk.open(path, mode)?;
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn read(
        &mut self,
        disk: &dyn Disk,
        path: &std::path::Path,
        at: u64,
        patience: Patience,
    ) -> io::Result<Option<E>> {
        let file = self.open(disk, path, OpenMode::Write)?;
        let bytes = patience.read(file.as_ref(), at * E::SIZE as u64, E::SIZE)?;
        Ok(E::decode(&bytes))
    }
}

#[cfg(test)]
mod tests;
