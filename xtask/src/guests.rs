//! The Rust SDK of SmartModules: a workspace of its own, since guests are built for another target than the server.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// What guests are built for.
const TARGET: &str = "wasm32-unknown-unknown";

/// A cargo command over the SDK's workspace. `--manifest-path` must follow the subcommand, so it is part of this.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = workspace::cargo();
    command
        .arg(subcommand)
        .arg("--manifest-path")
        .arg(workspace::root().join("smartmodule/sdk/rust/Cargo.toml"))
        .env("CARGO_TARGET_DIR", workspace::target());
    command
}

/// Adds the target to the toolchain in use, where it is not there yet.
pub(crate) fn ensure_target() -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(workspace::root())
        .args(["--print", "target-libdir", "--target", TARGET]);
    let libraries = process::capture(&mut rustc).context("cannot ask rustc for its targets")?;
    if std::path::Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    eprintln!("adding the target {TARGET} to the Rust toolchain");
    let mut rustup = Command::new("rustup");
    rustup
        .current_dir(workspace::root())
        .args(["target", "add", TARGET]);
    if process::run(&mut rustup).is_err() {
        bail!(
            "the Rust toolchain has no target {TARGET}: `rustup target add {TARGET}`, or install your system's package of it"
        );
    }
    Ok(())
}
