//! Where things are: the checkout, its target directory, the tools installed into it, its files.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Cargo's target directory: `CARGO_TARGET_DIR` where set, else `target/` in the checkout.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Where foreign tools are installed. Always in the checkout, so that every target directory shares them.
pub(crate) fn tools() -> PathBuf {
    root().join("target").join("tools")
}

/// A cargo command that runs in the root of the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The `tidemill` binary of a profile's directory (`debug`, `release`, `dist`).
pub(crate) fn binary(profile_dir: &str) -> PathBuf {
    target().join(profile_dir).join("tidemill")
}

/// Every file of the checkout that is tracked, or new and not ignored; relative to the root, sorted.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let listing = process::capture(&mut git).context("cannot list the files of the checkout")?;
    let mut files: Vec<PathBuf> = listing
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}
