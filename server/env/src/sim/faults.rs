//! A disk that fails where it is told to.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustix::io::Errno;

use super::file::joined;
use crate::{Disk, DiskEntry, DiskFile, DiskSpace, OpenMode, RealDisk};

/// What an operation does to the disk. All but [`Op::Read`] are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Reading a file or a directory, or opening a file that is there.
    Read,
    /// Making a file or directory.
    Create,
    /// Writing to a file.
    Write,
    /// Cutting or lengthening a file.
    SetLen,
    /// Syncing a file.
    Sync,
    /// Syncing a directory.
    SyncDir,
    /// Renaming.
    Rename,
    /// Removing a file or directory.
    Remove,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`.
    Io,
    /// `ENOSPC`.
    Full,
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io => Errno::IO.into(),
            Fault::Full => Errno::NOSPC.into(),
        }
    }
}

/// A disk that faults can be put in front of.
pub trait FaultTarget: Disk {
    /// A sync of the file at `path` failed: what it should have made durable never will be, although
    /// readers go on seeing it. A real disk does as it does.
    fn lose_unsynced(&self, _path: &Path) {}
}

impl FaultTarget for RealDisk {}

/// What goes wrong, and what has happened so far. Shared with the test that steers it.
#[derive(Debug, Default)]
pub struct Faults {
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    operations: u64,
    crash_at: Option<(u64, bool)>,
    crashed: bool,
    fail_at: Option<(u64, Fault)>,
    fail_where: Option<(Op, String, Fault)>,
    room: Option<u64>,
    /// What the planned crash or failure hit.
    hit: Option<String>,
}

/// What becomes of an operation that is not refused.
enum Verdict {
    /// It happens.
    Go,
    /// It happens, and the machine dies before the caller hears.
    Last,
}

impl Faults {
    /// How many operations changed the disk or were refused.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// The machine dies at the counted operation `n` (from 0), after it took effect when `applied`.
    /// All later operations fail.
    pub fn crash_at(&self, n: u64, applied: bool) {
        self.lock().crash_at = Some((n, applied));
    }

    /// The machine has died.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.lock().crashed
    }

    /// The counted operation `n` (from 0) fails; later ones do not.
    pub fn fail_at(&self, n: u64, fault: Fault) {
        self.lock().fail_at = Some((n, fault));
    }

    /// Operations `op` on paths that contain `part` fail from now on.
    pub fn fail_where(&self, op: Op, part: &str, fault: Fault) {
        self.lock().fail_where = Some((op, part.to_owned(), fault));
    }

    /// Files may grow by this many bytes more, all together; `None` for no limit.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.lock().room = bytes;
    }

    /// What the planned crash or failure hit, once it has.
    #[must_use]
    pub fn hit(&self) -> Option<String> {
        self.lock().hit.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn before(&self, op: Op, path: &Path) -> io::Result<Verdict> {
        let mut plan = self.lock();
        if plan.crashed {
            return Err(dead());
        }
        if let Some((what, part, fault)) = &plan.fail_where
            && *what == op
            && path.to_string_lossy().contains(part)
        {
            return Err((*fault).into());
        }
        if op == Op::Read {
            return Ok(Verdict::Go);
        }
        let n = plan.operations;
        plan.operations += 1;
        let name = || Some(format!("{op:?} {}", path.display()));
        if let Some((at, applied)) = plan.crash_at
            && at == n
        {
            plan.hit = name();
            plan.crashed = true;
            return if applied { Ok(Verdict::Last) } else { Err(dead()) };
        }
        if let Some((at, fault)) = plan.fail_at
            && at == n
        {
            plan.hit = name();
            return Err(fault.into());
        }
        Ok(Verdict::Go)
    }

    /// How much of a growth by `bytes` there is room for.
    fn grow(&self, bytes: u64) -> u64 {
        let mut plan = self.lock();
        let granted = plan.room.map_or(bytes, |room| room.min(bytes));
        if let Some(room) = &mut plan.room {
            *room -= granted;
        }
        granted
    }
}

fn dead() -> io::Error {
    io::Error::other("the machine is off")
}

/// Any disk, with [`Faults`] in front of it.
#[derive(Clone)]
pub struct FaultyDisk {
    inner: Arc<dyn FaultTarget>,
    faults: Arc<Faults>,
}

impl FaultyDisk {
    /// `inner`, which fails as `faults` says.
    #[must_use]
    pub fn new(inner: Arc<dyn FaultTarget>, faults: Arc<Faults>) -> Self {
        Self { inner, faults }
    }

    fn run<T>(&self, op: Op, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let verdict = self.faults.before(op, path).inspect_err(|_| {
            if op == Op::Sync && !self.faults.crashed() {
                self.inner.lose_unsynced(path);
            }
        })?;
        let done = work()?;
        match verdict {
            Verdict::Go => Ok(done),
            Verdict::Last => Err(dead()),
        }
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let makes = matches!(mode, OpenMode::Create | OpenMode::CreateNew) && !self.inner.exists(path);
        let op = if makes { Op::Create } else { Op::Read };
        let inner = self.run(op, path, || self.inner.open(path, mode))?;
        Ok(Arc::new(FaultyFile {
            disk: self.clone(),
            path: path.to_owned(),
            inner,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let op = if self.inner.exists(path) {
            Op::Read
        } else {
            Op::Create
        };
        self.run(op, path, || self.inner.create_dir_all(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.run(Op::SyncDir, path, || self.inner.sync_dir(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(Op::Rename, to, || self.inner.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.run(Op::Remove, path, || self.inner.remove_file(path))
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.run(Op::Remove, path, || self.inner.remove_dir_all(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        self.run(Op::Read, path, || self.inner.list(path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.inner.exists(path)
    }

    fn space(&self, path: &Path) -> io::Result<DiskSpace> {
        self.run(Op::Read, path, || self.inner.space(path))
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    inner: Arc<dyn DiskFile>,
}

impl FaultyFile {
    /// Writes as much as there is room for, as a full disk does.
    fn write_within_room(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let total: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let growth = (offset + total).saturating_sub(self.inner.len()?);
        let missing = growth - self.disk.faults.grow(growth);
        if missing == 0 {
            return self.inner.write_at(offset, parts);
        }
        let mut fits = joined(parts);
        fits.truncate(usize::try_from(total - missing).unwrap_or(0));
        self.inner.write_at(offset, &[IoSlice::new(&fits)])?;
        Err(Fault::Full.into())
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.disk
            .run(Op::Read, &self.path, || self.inner.read_at(offset, len))
    }

    fn read_cached_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.disk
            .run(Op::Read, &self.path, || self.inner.read_cached_at(offset, len))
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        self.disk
            .run(Op::Write, &self.path, || self.write_within_room(offset, parts))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.run(Op::Sync, &self.path, || self.inner.sync_data())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.run(Op::SetLen, &self.path, || self.inner.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.run(Op::Read, &self.path, || self.inner.len())
    }

    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        self.disk
            .run(Op::Read, &self.path, || self.inner.reserve(offset, len))
    }

    fn forget_cached(&self) {
        self.inner.forget_cached();
    }
}
