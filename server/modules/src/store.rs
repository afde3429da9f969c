//! Files of modules, named by what they contain.

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tidemill_env::{Disk, OpenMode};
use tidemill_smartengine::Digest;

use crate::error::ModulesError;

const WASM: &str = ".wasm";
/// Files that are still being written.
const UNFINISHED: &str = ".new";

/// A directory of wasm files. All calls block on the disk.
pub(crate) struct Store {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// The 64 digits of a digest.
fn hex(digest: Digest) -> String {
    let text = digest.to_text();
    text.split_once(':')
        .map_or(text.clone(), |(_, hex)| hex.to_owned())
}

impl Store {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Store {
        Store { disk, dir }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{}{WASM}", hex(digest)))
    }

    /// Stores a file; it survives a crash when this returns.
    pub(crate) fn put(&self, digest: Digest, wasm: &[u8]) -> Result<(), ModulesError> {
        self.write(digest, wasm).map_err(|error| ModulesError::Disk {
            digest,
            verb: "stored",
            reason: error.to_string(),
        })
    }

    fn write(&self, digest: Digest, wasm: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        // A file is only ever there whole; one that rotted is written anew.
        if self.disk.exists(&path) && self.read(digest).is_ok_and(|there| Digest::of(&there) == digest) {
            return Ok(());
        }
        self.disk.create_dir_all(&self.dir)?;
        let unfinished = self.dir.join(format!("{}{UNFINISHED}", hex(digest)));
        let file = self.disk.open(&unfinished, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_at(0, &[IoSlice::new(wasm)])?;
        file.sync_data()?;
        self.disk.rename(&unfinished, &path)?;
        self.disk.sync_dir(&self.dir)?;
        // The directory itself may be new.
        match self.dir.parent() {
            Some(parent) => self.disk.sync_dir(parent),
            None => Ok(()),
        }
    }

    /// A file's bytes, which are those that were stored.
    pub(crate) fn get(&self, digest: Digest) -> Result<Bytes, ModulesError> {
        let failed = |reason: String| ModulesError::Disk {
            digest,
            verb: "read",
            reason,
        };
        let wasm = match self.read(digest) {
            Ok(wasm) => wasm,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ModulesError::Unknown(digest));
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        if Digest::of(&wasm) == digest {
            return Ok(wasm);
        }
        let found = Digest::of(&wasm);
        Err(failed(format!(
            "it is damaged (it is {found} now); load it again"
        )))
    }

    fn read(&self, digest: Digest) -> io::Result<Bytes> {
        let file = self.disk.open(&self.path(digest), OpenMode::Read)?;
        let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
        file.read_at(0, len)
    }

    /// Removes all files but these.
    pub(crate) fn retain(&self, keep: &BTreeSet<Digest>) -> io::Result<()> {
        if !self.disk.exists(&self.dir) {
            return Ok(());
        }
        let keep: BTreeSet<String> = keep.iter().map(|digest| hex(*digest)).collect();
        for entry in self
            .disk
            .list(&self.dir)?
            .into_iter()
            .filter(|entry| !entry.is_dir)
        {
            let stem = entry
                .name
                .strip_suffix(WASM)
                .or(entry.name.strip_suffix(UNFINISHED));
            // What is not named as a module is not ours to remove.
            if stem.is_some_and(|stem| stem.len() == 64 && !keep.contains(stem)) {
                self.disk.remove_file(&self.dir.join(&entry.name))?;
            }
        }
        self.disk.sync_dir(&self.dir)
    }
}
