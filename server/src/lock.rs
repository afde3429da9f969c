//! One server a data directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::FlockOperation;

/// Held while the server runs; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: File,
}

/// Takes the lock of `dir`, and leaves this process's id in it.
pub(crate) fn take(dir: &Path) -> Result<DataLock, String> {
    let path = dir.join("lock");
    let fail = |error: std::io::Error| format!("cannot lock {}: {error}", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(fail)?;
    if let Err(error) = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(fail(error.into()));
        }
        let mut owner = String::new();
        let _ = file.read_to_string(&mut owner);
        let owner = owner.trim();
        return Err(format!(
            "data directory {} is in use by process {owner}; stop it, or choose another --data-dir",
            dir.display()
        ));
    }
    file.set_len(0).map_err(fail)?;
    writeln!(file, "{}", std::process::id()).map_err(fail)?;
    Ok(DataLock { _file: file })
}
