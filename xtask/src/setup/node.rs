//! The Node packages, pinned in `tests/compat/node/package.json`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// Fills `target/tools/node/node_modules`.
///
/// There is no lock file: it would name the registry it was made with. Every pin is exact instead.
pub(crate) fn ensure() -> Result<()> {
    let dir = workspace::tools().join("node");
    let pins = workspace::root().join("tests/compat/node/package.json");
    let stamp = Stamp::new(&dir, &pins)?;
    if stamp.is_fresh() {
        return Ok(());
    }
    debian::ensure(&["node", "npm"])?;
    eprintln!("installing the Node packages into {}", dir.display());
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    fs::copy(&pins, dir.join("package.json")).context("cannot copy the pins of the Node packages")?;
    let mut npm = Command::new("npm");
    npm.current_dir(&dir).args([
        "install",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "--silent",
    ]);
    process::run(&mut npm).context("cannot install the Node packages")?;
    stamp.write()
}
