//! Files and directories, one operation a method.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Read only; the file must exist.
    Read,
    /// Read and write; the file must exist.
    Write,
    /// Read and write; made when missing.
    Create,
    /// Read and write; it is an error when the file exists.
    CreateNew,
}

/// What a directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskEntry {
    /// File name without its directory. Names that are not UTF-8 are left out of listings.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Size in bytes; 0 for directories.
    pub len: u64,
}

/// Size of a file system in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// All of it.
    pub total: u64,
    /// What this process may still write.
    pub free: u64,
}

/// A file system. Every method blocks; a new or renamed name survives a crash only after
/// [`Disk::sync_dir`] of its directory, as POSIX has it.
pub trait Disk: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// As `open(2)`; `NotFound` and `AlreadyExists` are kept apart.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes a directory and its parents; no error when it exists.
    ///
    /// # Errors
    /// As `mkdir(2)`.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in `path` durable.
    ///
    /// # Errors
    /// As `fsync(2)`.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Renames a file or directory, replacing a file at `to`.
    ///
    /// # Errors
    /// As `rename(2)`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As `unlink(2)`.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all below it.
    ///
    /// # Errors
    /// As `unlink(2)` and `rmdir(2)`; part may be gone when it fails.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The entries of a directory, in name order.
    ///
    /// # Errors
    /// As `readdir(3)`; `NotFound` when there is no such directory.
    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>>;

    /// Whether a file or directory is there.
    fn exists(&self, path: &Path) -> bool;

    /// Room on the file system that holds `path`.
    ///
    /// # Errors
    /// As `statvfs(3)`.
    fn space(&self, path: &Path) -> io::Result<DiskSpace>;
}

/// An open file. Safe to use from many threads: every access names its position.
pub trait DiskFile: Send + Sync {
    /// Reads up to `len` bytes at `offset`; shorter only at the end of the file.
    ///
    /// # Errors
    /// As `pread(2)`; interruptions are retried.
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes>;

    /// As [`DiskFile::read_at`], from memory alone: never waits for the device.
    ///
    /// # Errors
    /// `WouldBlock` when any of it is not in memory, or when the system cannot tell; as `pread(2)` else.
    fn read_cached_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let _ = (offset, len);
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// How many of the `len` bytes at `offset` can be had without waiting for the device, from the first on. It
    /// may err a little: the system is asked about some of the bytes, and may let go of them at any time.
    fn cached_at(&self, offset: u64, len: usize) -> usize {
        let _ = (offset, len);
        0
    }

    /// Says that these bytes will soon be read. A hint.
    fn read_ahead(&self, offset: u64, len: usize) {
        let _ = (offset, len);
    }

    /// The descriptor, for the system calls that move bytes from a file without reading them. `None` when its bytes
    /// can be had by reading alone.
    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// Whether the system can send its bytes to a socket without this process reading them.
    fn is_sendable(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.descriptor().is_some();
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Writes all of `parts`, one after the other, at `offset`, into the page cache.
    ///
    /// # Errors
    /// As `pwritev(2)`; when it fails, any prefix may have been written.
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// Makes all bytes written before this call durable (`fdatasync`).
    ///
    /// # Errors
    /// As `fdatasync(2)`. After an error the state of unsynced bytes is unknown, and a second call
    /// that succeeds proves nothing: treat the file as failed.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or extends (with zeros) the file.
    ///
    /// # Errors
    /// As `ftruncate(2)`.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Current size in bytes.
    ///
    /// # Errors
    /// As `fstat(2)`.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    ///
    /// # Errors
    /// As [`DiskFile::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Asks for `len` bytes of room ahead without changing the size. A hint: failure is not an error,
    /// save that a full disk may be told.
    ///
    /// # Errors
    /// `StorageFull` when there is no room.
    fn reserve(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Lets go of cached bytes that are not waiting to be written, so that later reads come from the
    /// disk itself: after a failed sync the cache holds bytes that the disk does not. A hint.
    fn forget_cached(&self) {}
}
