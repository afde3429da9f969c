//! Virtual environments of Python: one of the clients, pinned in `tests/compat/python/requirements.txt`, with the source
//! distribution of kafka-python for the tests in it; one of what the SDK of SmartModules is built and tested with; and Zig.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// Makes the virtual environment `target/tools/python`.
pub(crate) fn ensure() -> Result<()> {
    environment("python", "tests/compat/python/requirements.txt", |dir, pins| {
        fetch_tests(dir, pins)
    })
}

/// Where what the SDK of SmartModules needs is, once [`ensure_sdk`] was there.
pub(crate) fn sdk() -> PathBuf {
    workspace::tools().join("sdk-python")
}

/// Makes the virtual environment `target/tools/sdk-python`.
pub(crate) fn ensure_sdk() -> Result<()> {
    environment("sdk-python", "smartmodule/sdk/python/requirements.txt", |_, _| {
        Ok(())
    })
}

/// Where Zig is, once [`ensure_zig`] was there: beside the `python3` of an environment, as its package `ziglang`.
pub(crate) fn zig() -> PathBuf {
    workspace::tools().join("zig/bin")
}

/// Makes the virtual environment `target/tools/zig`.
pub(crate) fn ensure_zig() -> Result<()> {
    debian::ensure(&["make"])?;
    environment("zig", "xtask/templates/zig/requirements.txt", |_, _| Ok(()))
}

/// Makes the virtual environment `target/tools/<name>` with what is pinned in a file, and then does `more`.
fn environment(name: &str, pins: &str, more: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<()> {
    let dir = workspace::tools().join(name);
    let pins = workspace::root().join(pins);
    let stamp = Stamp::new(&dir, &pins)?;
    if stamp.is_fresh() {
        return Ok(());
    }
    debian::ensure(&["python3"])?;
    eprintln!("installing Python packages into {}", dir.display());
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
    process::run(&mut pip).with_context(|| format!("cannot install what {} pins", pins.display()))?;
    more(&dir, &pins)?;
    stamp.write()
}

/// Fills `sources/` of the environment with the source distribution of kafka-python, at the version that is installed.
fn fetch_tests(dir: &Path, pins: &Path) -> Result<()> {
    let sources = dir.join("sources");
    let text = fs::read_to_string(pins).with_context(|| format!("cannot read {}", pins.display()))?;
    let pin = text
        .lines()
        .find(|line| line.starts_with("kafka-python=="))
        .with_context(|| format!("{} does not pin kafka-python", pins.display()))?;
    let mut pip = Command::new(dir.join("bin/pip"));
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--no-binary", "kafka-python", "--dest"])
        .arg(&sources)
        .arg(pin);
    process::run(&mut pip).context("cannot fetch the source distribution of kafka-python")?;
    let mut unpack = Command::new(dir.join("bin/python"));
    unpack.args(["-c", UNPACK]).arg(&sources);
    process::run(&mut unpack).context("cannot unpack the source distribution of kafka-python")
}

/// Unpacks the one archive of a directory into `kafka-python` beside it.
const UNPACK: &str = "
import pathlib, shutil, sys
sources = pathlib.Path(sys.argv[1])
(archive,) = sources.glob('*.tar.gz')
shutil.unpack_archive(archive, sources / 'unpacked')
(tree,) = (sources / 'unpacked').iterdir()
tree.rename(sources / 'kafka-python')
";
