//! The Python clients, pinned in `tests/compat/python/requirements.txt`, in a virtual environment.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// Makes the virtual environment `target/tools/python`.
pub(crate) fn ensure() -> Result<()> {
    let dir = workspace::tools().join("python");
    let pins = workspace::root().join("tests/compat/python/requirements.txt");
    let stamp = Stamp::new(&dir, &pins)?;
    if stamp.is_fresh() {
        return Ok(());
    }
    debian::ensure(&["python3"])?;
    eprintln!("installing the Python clients into {}", dir.display());
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(workspace::tools()).context("cannot make the directory of tools")?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&dir);
    if process::run(&mut venv).is_err() {
        // Debian keeps the module apart from the interpreter.
        debian::install(&["python3-venv"])
            .context("python3 has no venv module. Install with: sudo apt-get install python3-venv")?;
        process::run(&mut venv)?;
    }
    let mut pip = Command::new(dir.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ])
    .arg(&pins);
    process::run(&mut pip).context("cannot install the Python clients")?;
    stamp.write()
}
