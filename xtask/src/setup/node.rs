//! Node packages, pinned in a `package.json` of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// Fills `target/tools/node/node_modules` with the clients of the compat suites.
pub(crate) fn ensure() -> Result<()> {
    install("node", "tests/compat/node/package.json")
}

/// Where the data sets of the demo are, once [`ensure_data`] was there.
pub(crate) fn data() -> PathBuf {
    workspace::tools().join("data/node_modules/vega-datasets/data")
}

/// Fetches the data set of the demo.
pub(crate) fn ensure_data() -> Result<()> {
    install("data", "xtask/demo/package.json")
}

/// Where ruby.wasm and what merges it are, once [`ensure_ruby`] was there.
pub(crate) fn ruby() -> PathBuf {
    workspace::tools().join("sdk-ruby/node_modules")
}

/// Fetches what the runtime of SmartModules in Ruby is made of, and Ruby for the tests of their SDK.
pub(crate) fn ensure_ruby() -> Result<()> {
    debian::ensure(&["ruby", "rake"])?;
    // Debian keeps the library apart from the interpreter.
    let mut minitest = Command::new("ruby");
    if process::capture(minitest.args(["-e", "require 'minitest'"])).is_err() {
        debian::install(&["ruby-minitest"])
            .context("Ruby has no minitest. Install with: sudo apt-get install ruby-minitest")?;
    }
    install("sdk-ruby", "smartmodule/sdk/ruby/runtime/package.json")
}

/// Where the AssemblyScript compiler is, once [`ensure_assemblyscript`] was there.
pub(crate) fn assemblyscript() -> PathBuf {
    workspace::tools().join("assemblyscript/node_modules")
}

/// Fetches the AssemblyScript compiler.
pub(crate) fn ensure_assemblyscript() -> Result<()> {
    install("assemblyscript", "xtask/templates/assemblyscript/package.json")
}

/// Fills `target/tools/<name>/node_modules`.
///
/// There is no lock file: it would name the registry it was made with. Every pin is exact instead.
fn install(name: &str, pins: &str) -> Result<()> {
    let dir = workspace::tools().join(name);
    let pins = workspace::root().join(pins);
    let stamp = Stamp::new(&dir, &pins)?;
    if stamp.is_fresh() {
        return Ok(());
    }
    debian::ensure(&["node", "npm"])?;
    eprintln!("installing Node packages into {}", dir.display());
    npm_install(&dir, &pins)?;
    stamp.write()
}

fn npm_install(dir: &Path, pins: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    fs::copy(pins, dir.join("package.json")).context("cannot copy the pins of the Node packages")?;
    let mut npm = Command::new("npm");
    npm.current_dir(dir).args([
        "install",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "--silent",
    ]);
    process::run(&mut npm).context("cannot install the Node packages")
}
