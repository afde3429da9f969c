//! Building with cargo, which says itself what it built and where.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::tools::{self, Need};
use crate::error::Failure;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the project, and gives the file of its module.
pub(super) fn build(dir: &Path) -> Result<PathBuf> {
    let cargo = tools::find(&Need {
        program: "cargo",
        mend: "install Rust: https://rustup.rs",
    })?;
    check_target(dir)?;
    let mut command = Command::new(cargo);
    command.current_dir(dir).args([
        "build",
        "--release",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
    ]);
    let printed = tools::run_and_read(&mut command)?;
    let mut found: Vec<PathBuf> = printed.lines().filter_map(module_of).collect();
    match (found.pop(), found.is_empty()) {
        (Some(module), true) => Ok(module),
        (None, _) => Err(Failure::usage(format!(
            "cargo built no module in {}: its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`",
            dir.display()
        ))
        .into()),
        (Some(_), false) => Err(Failure::usage(format!(
            "cargo built more than one module in {}: give the folder of one package",
            dir.display()
        ))
        .into()),
    }
}

/// Whether the toolchain that the project uses can build for the target.
fn check_target(dir: &Path) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(dir)
        .args(["--print", "target-libdir", "--target", TARGET]);
    let libraries = rustc
        .output()
        .context("cannot ask rustc for its targets; is Rust installed? https://rustup.rs")?;
    if Path::new(String::from_utf8_lossy(&libraries.stdout).trim()).is_dir() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the Rust toolchain cannot build for {TARGET} yet. Add it with: rustup target add {TARGET}"
    ))
    .into())
}

/// The module that a line of cargo's tells of.
fn module_of(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let files = message["filenames"].as_array()?.iter();
    files
        .filter_map(Value::as_str)
        .find(|file| file.ends_with(".wasm"))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tells_where_the_module_is() {
        let line = r#"{"reason":"compiler-artifact","filenames":["/t/libm.rlib","/t/m.wasm"]}"#;
        assert_eq!(module_of(line), Some(PathBuf::from("/t/m.wasm")));
        assert_eq!(module_of(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(module_of("warning: not JSON"), None);
    }
}
