//! A run of bytes in an open file.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::DiskFile;

/// Bytes that are named by their place and not read yet. The file stays open as long as this lives, also when its
/// name is gone or another's. Its length never changes by itself: a file that was cut meanwhile is found out when the
/// bytes are wanted.
#[derive(Clone)]
pub struct FileRange {
    file: Arc<dyn DiskFile>,
    offset: u64,
    len: usize,
}

impl FileRange {
    /// `len` bytes of `file` from `offset` on.
    #[must_use]
    pub fn new(file: Arc<dyn DiskFile>, offset: u64, len: usize) -> Self {
        Self { file, offset, len }
    }

    /// Bytes in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where it begins in the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &dyn DiskFile {
        self.file.as_ref()
    }

    /// Leaves out the first `count` bytes, all when there are not so many.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len);
        self.offset += count as u64;
        self.len -= count;
    }

    /// How many of its first `most` bytes can be had from memory, without waiting for the device.
    #[must_use]
    pub fn cached(&self, most: usize) -> usize {
        self.file.cached_at(self.offset, self.len.min(most))
    }

    /// Its first `most` bytes, from memory.
    ///
    /// # Errors
    /// As [`DiskFile::read_cached_at`]; `UnexpectedEof` when the file was cut.
    pub fn read_cached(&self, most: usize) -> io::Result<Bytes> {
        let wanted = self.len.min(most);
        whole(self.file.read_cached_at(self.offset, wanted)?, wanted)
    }

    /// Its first `most` bytes. Blocks; the device is told that the rest of the first `ahead` will be wanted.
    ///
    /// # Errors
    /// As [`DiskFile::read_at`]; `UnexpectedEof` when the file was cut.
    pub fn read(&self, most: usize, ahead: usize) -> io::Result<Bytes> {
        let wanted = self.len.min(most);
        self.file.read_ahead(self.offset, self.len.min(ahead));
        whole(self.file.read_at(self.offset, wanted)?, wanted)
    }
}

fn whole(bytes: Bytes, wanted: usize) -> io::Result<Bytes> {
    if bytes.len() < wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

impl fmt::Debug for FileRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.offset + self.len as u64;
        write!(out, "FileRange({}..{end})", self.offset)
    }
}
