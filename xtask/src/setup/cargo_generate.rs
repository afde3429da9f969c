//! cargo-generate, the program that the templates of SmartModules are written for.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{process, workspace};

/// The version that the templates are held to.
const VERSION: &str = "0.23.14";

/// Where it is: what [`ensure`] built, else one that is on the `PATH`.
pub(crate) fn program() -> Option<PathBuf> {
    let own = dir().join("bin/cargo-generate");
    if own.is_file() {
        return Some(own);
    }
    process::which("cargo-generate")
}

/// Builds `target/tools/cargo-generate`.
pub(crate) fn ensure() -> Result<()> {
    let dir = dir();
    if dir.join("bin/cargo-generate").is_file() {
        return Ok(());
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    eprintln!(
        "building cargo-generate into {}; this takes minutes",
        dir.display()
    );
    let mut cargo = workspace::cargo();
    cargo
        .args(["install", "cargo-generate", "--version", VERSION])
        .args(["--locked", "--debug", "--root"])
        .arg(&dir);
    process::run(&mut cargo).context("cannot build cargo-generate")
}

fn dir() -> PathBuf {
    workspace::tools().join("cargo-generate")
}
