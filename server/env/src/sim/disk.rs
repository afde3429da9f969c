//! A disk in memory that loses what was not synced.

use std::io::{self, IoSlice};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::faults::FaultTarget;
use super::file::SimInode;
use super::random::SimRandom;
use super::tree::{Node, NodeId, SimDir, Tree};
use crate::{Disk, DiskEntry, DiskFile, DiskSpace, OpenMode};

/// What of the unsynced changes is found after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// None of it: the page cache was never written back.
    Nothing,
    /// All of it: the process died and the machine did not.
    Everything,
    /// Any part of it, in any order; writes may be torn, lost writes may have lengthened their file.
    Some,
}

/// A file system in memory. Clones are the same disk; see [`SimDisk::fork`] for another one.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    tree: Arc<Mutex<Tree>>,
}

impl SimDisk {
    /// Another disk that is in the same state.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            tree: Arc::new(Mutex::new(self.lock().clone())),
        }
    }

    /// The power goes and comes back. Files that are open must not be used again.
    pub fn crash(&self, survival: Survival, seed: u64) {
        self.lock().crash(survival, &SimRandom::new(seed));
    }

    /// The bytes of a file as readers see them.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        let tree = self.lock();
        Ok(tree.file(tree.find(path)?)?.bytes().to_vec())
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files here are far smaller than memory.
fn size(len: u64) -> io::Result<usize> {
    usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut tree = self.lock();
        let found = tree.find(path);
        let node = match (found, mode) {
            (Ok(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(node), _) => node,
            (Err(error), OpenMode::Read | OpenMode::Write) => return Err(error),
            (Err(_), OpenMode::Create | OpenMode::CreateNew) => {
                let place = tree.parent(path)?;
                tree.add(place, Node::File(SimInode::default()))
            }
        };
        tree.file(node)?;
        drop(tree);
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            node,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        let mut made = PathBuf::from("/");
        for component in path.components() {
            if let Component::Normal(name) = component {
                made.push(name);
                if tree.find(&made).is_err() {
                    let place = tree.parent(&made)?;
                    tree.add(place, Node::Dir(SimDir::default()));
                }
            }
        }
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        let dir = tree.find(path)?;
        tree.sync_dir(dir);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        let node = tree.find(from)?;
        let (old_dir, old_name) = tree.parent(from)?;
        let (new_dir, new_name) = tree.parent(to)?;
        tree.assign(vec![(old_dir, old_name, None), (new_dir, new_name, Some(node))]);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.lock();
        let node = tree.find(path)?;
        tree.file(node)?;
        let (dir, name) = tree.parent(path)?;
        tree.assign(vec![(dir, name, None)]);
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        // What is below goes with it: a crash finds all or nothing of it, which is kinder than a real disk.
        let mut tree = self.lock();
        tree.find(path)?;
        let (dir, name) = tree.parent(path)?;
        tree.assign(vec![(dir, name, None)]);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        let tree = self.lock();
        let names = tree.names(tree.find(path)?)?;
        let entries = names.iter().map(|(name, node)| DiskEntry {
            name: name.clone(),
            is_dir: tree.is_dir(*node),
            len: tree.file(*node).map_or(0, |file| file.bytes().len() as u64),
        });
        Ok(entries.collect())
    }

    fn exists(&self, path: &Path) -> bool {
        self.lock().find(path).is_ok()
    }

    fn space(&self, _path: &Path) -> io::Result<DiskSpace> {
        const TOTAL: u64 = 1 << 40;
        Ok(DiskSpace {
            total: TOTAL,
            free: TOTAL,
        })
    }
}

impl FaultTarget for SimDisk {
    fn lose_unsynced(&self, path: &Path) {
        let mut tree = self.lock();
        if let Ok(node) = tree.find(path)
            && let Ok(file) = tree.file_mut(node)
        {
            file.lose_unsynced();
        }
    }
}

struct SimFile {
    disk: SimDisk,
    node: NodeId,
}

impl DiskFile for SimFile {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let tree = self.disk.lock();
        let bytes = tree.file(self.node)?.bytes();
        let from = size(offset)?.min(bytes.len());
        let to = from.saturating_add(len).min(bytes.len());
        Ok(Bytes::copy_from_slice(&bytes[from..to]))
    }

    fn read_cached_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.read_at(offset, len)
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let at = size(offset)?;
        self.disk.lock().file_mut(self.node)?.write(at, parts);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.lock().file_mut(self.node)?.sync();
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = size(len)?;
        self.disk.lock().file_mut(self.node)?.set_len(len);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().file(self.node)?.bytes().len() as u64)
    }

    fn reserve(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn forget_cached(&self) {
        if let Ok(file) = self.disk.lock().file_mut(self.node) {
            file.forget_cached();
        }
    }
}
