//! The machine's file system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{Advice, FallocateFlags};
use rustix::io::Errno;

use crate::{Disk, DiskEntry, DiskFile, DiskSpace, OpenMode};

/// Files by system calls, without buffering.
#[derive(Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::Write => drop(options.write(true)),
            OpenMode::Create => drop(options.write(true).create(true)),
            OpenMode::CreateNew => drop(options.write(true).create_new(true)),
        }
        Ok(Arc::new(RealFile {
            file: options.open(path)?,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Removed between the listing and the look.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let is_dir = metadata.is_dir();
            entries.push(DiskEntry {
                name,
                is_dir,
                len: if is_dir { 0 } else { metadata.len() },
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn space(&self, path: &Path) -> io::Result<DiskSpace> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(DiskSpace {
            total: stat.f_blocks * stat.f_frsize,
            free: stat.f_bavail * stat.f_frsize,
        })
    }
}

struct RealFile {
    file: File,
}

/// How far apart the looks are that tell whether a range is in the page cache.
#[cfg(target_os = "linux")]
const PROBED_RUN: usize = 64 << 10;

impl RealFile {
    /// Whether the byte at `offset` is in the page cache; past the end there is nothing to wait for.
    #[cfg(target_os = "linux")]
    fn in_memory(&self, offset: u64) -> io::Result<bool> {
        use rustix::io::ReadWriteFlags;
        let mut byte = [0];
        let mut slices = [io::IoSliceMut::new(&mut byte)];
        loop {
            return match rustix::io::preadv2(&self.file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
                Ok(_) => Ok(true),
                Err(Errno::INTR) => continue,
                // The second: a file system that cannot tell.
                Err(Errno::AGAIN | Errno::OPNOTSUPP) => Ok(false),
                Err(error) => Err(error.into()),
            };
        }
    }

    /// `len` bytes, if one look finds all of them in the page cache.
    #[cfg(target_os = "linux")]
    fn read_without_waiting(&self, offset: u64, len: usize) -> io::Result<Option<Bytes>> {
        use rustix::io::ReadWriteFlags;
        let mut buffer = vec![0; len];
        let mut slices = [io::IoSliceMut::new(&mut buffer)];
        match rustix::io::preadv2(&self.file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
            Ok(read) if read == len => Ok(Some(Bytes::from(buffer))),
            // Too little tells nothing: the file may end here.
            Ok(_) | Err(Errno::INTR | Errno::AGAIN | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut buffer = Vec::with_capacity(len);
        while buffer.len() < len {
            let at = offset + buffer.len() as u64;
            match rustix::io::pread(&self.file, rustix::buffer::spare_capacity(&mut buffer), at) {
                Ok(0) => break,
                // `with_capacity` may give more than was asked for; what was read past it is cut below.
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        buffer.truncate(len);
        Ok(Bytes::from(buffer))
    }

    #[cfg(target_os = "linux")]
    fn read_cached_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        if len <= PROBED_RUN
            && let Some(bytes) = self.read_without_waiting(offset, len)?
        {
            return Ok(bytes);
        }
        // The kernel reads ahead and evicts in runs, so a look at one byte of each run tells nearly
        // always; where it does not, the read below waits for a moment, which is no error.
        let end = offset + len as u64;
        let mut looks = (offset..end).step_by(PROBED_RUN).chain(end.checked_sub(1));
        if !looks.try_fold(true, |all, at| Ok::<_, io::Error>(all && self.in_memory(at)?))? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.read_at(offset, len)
    }

    #[cfg(target_os = "linux")]
    fn cached_at(&self, offset: u64, len: usize) -> usize {
        // Whatever is wrong is found again, and told, by the read that may wait.
        let is_cached = |at: usize| self.in_memory(offset + at as u64).unwrap_or(false);
        let Some(last) = len.checked_sub(1) else {
            return 0;
        };
        // Looking at every run would cost a seventh of what sending does. What is read or written in order comes and goes
        // in order, so both ends tell nearly always; where they do not, someone waits for a moment.
        if !is_cached(0) {
            return 0;
        }
        if is_cached(last) {
            return len;
        }
        let runs = (1..len.div_ceil(PROBED_RUN)).map(|run| run * PROBED_RUN);
        let cached = runs.take_while(|at| is_cached(*at)).last().unwrap_or(0) + PROBED_RUN;
        cached.min(last)
    }

    fn read_ahead(&self, offset: u64, len: usize) {
        let _ = rustix::fs::fadvise(
            &self.file,
            offset,
            std::num::NonZeroU64::new(len as u64),
            Advice::WillNeed,
        );
    }

    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        Some(self.file.as_fd())
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut position = offset;
        let mut rest: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = rest.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            // The kernel takes at most IOV_MAX (1024) parts a call.
            match rustix::io::pwritev(&self.file, &rest[..rest.len().min(1024)], position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    position += written as u64;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, len) {
            Err(Errno::NOSPC) => Err(io::ErrorKind::StorageFull.into()),
            // Not every file system can; it is only a hint.
            _ => Ok(()),
        }
    }

    fn forget_cached(&self) {
        // Not every file system has a cache to drop.
        let _ = rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_back_what_was_written_in_parts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = RealDisk.open(&path, OpenMode::CreateNew).unwrap();
        file.write_at(
            0,
            &[IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"tail")],
        )
        .unwrap();
        file.sync_data().unwrap();
        assert_eq!(&file.read_at(2, 4).unwrap()[..], b"adta");
        assert_eq!(
            &file.read_at(6, 100).unwrap()[..],
            b"il",
            "a read past the end is short"
        );
        assert_eq!(file.len().unwrap(), 8);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_just_written_is_read_from_memory() {
        let dir = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&dir.path().join("f"), OpenMode::Create).unwrap();
        let bytes = vec![7u8; 300_000];
        file.write_at(0, &[IoSlice::new(&bytes)]).unwrap();
        match file.read_cached_at(5, 300_000) {
            Ok(read) => assert_eq!(&read[..], &bytes[5..]),
            // A file system without the call says so, and nothing else.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_cached_is_told_and_what_was_let_go_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&dir.path().join("f"), OpenMode::Create).unwrap();
        file.write_at(0, &[IoSlice::new(&vec![7u8; 1 << 20])]).unwrap();
        file.sync_data().unwrap();
        let cached = file.cached_at(5, 300_000);
        assert!(
            cached == 300_000 || cached == 0,
            "all, or the system cannot tell: {cached}"
        );
        file.forget_cached();
        // Small and large reads agree on what is in memory.
        let at_once = file.cached_at(0, 1 << 20);
        assert!(at_once == 0 || file.read_cached_at(0, 10).is_ok());
        assert_eq!(file.read_at(1_000, 1 << 20).unwrap().len(), (1 << 20) - 1_000);
        assert_eq!(file.cached_at(1 << 20, 0), 0);
    }

    #[test]
    fn thousands_of_parts_are_written_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&dir.path().join("f"), OpenMode::Create).unwrap();
        let parts: Vec<[u8; 2]> = (0..5000u16).map(u16::to_be_bytes).collect();
        let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        file.write_at(0, &slices).unwrap();
        assert_eq!(&file.read_at(0, 20_000).unwrap()[..], parts.concat());
    }

    #[test]
    fn an_existing_file_is_not_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        RealDisk.open(&path, OpenMode::CreateNew).unwrap();
        let error = RealDisk.open(&path, OpenMode::CreateNew).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let missing = RealDisk
            .open(&dir.path().join("g"), OpenMode::Read)
            .err()
            .unwrap();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_eq!(RealDisk.list(dir.path()).unwrap().len(), 1);
    }
}
