//! A stamp says what a directory was installed from, so that a second run does nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The stamp of one installed directory.
pub(crate) struct Stamp {
    path: PathBuf,
    wanted: String,
}

impl Stamp {
    /// A stamp for `dir`, installed from the content of the file `pins`.
    pub(crate) fn new(dir: &Path, pins: &Path) -> Result<Stamp> {
        let wanted = fs::read_to_string(pins)
            .with_context(|| format!("cannot read the pins in {}", pins.display()))?;
        Ok(Stamp {
            path: dir.join(".installed"),
            wanted,
        })
    }

    /// Whether the directory was installed from these very pins.
    pub(crate) fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|found| found == self.wanted)
    }

    /// Records a finished installation.
    pub(crate) fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.wanted).with_context(|| format!("cannot write {}", self.path.display()))
    }
}
