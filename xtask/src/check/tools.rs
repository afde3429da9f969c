//! The checks that other programs do: rustfmt, clippy, and the generators.

use anyhow::Result;

use super::Finding;
use crate::{r#gen, process, workspace};

/// Formatting, as rustfmt has it.
pub(crate) fn format() -> Result<Vec<Finding>> {
    let mut fmt = workspace::cargo();
    fmt.args(["fmt", "--all", "--", "--check", "-l"]);
    let mut files = Vec::new();
    let status = process::stream(&mut fmt, |line| files.push(line.to_owned()))?;
    if status.success() {
        return Ok(Vec::new());
    }
    let root = format!("{}/", workspace::root().display());
    let findings = files
        .iter()
        .map(|file| Finding::new(file.replace(&root, ""), "not formatted", "cargo xtask fix"))
        .collect();
    Ok(findings)
}

/// Clippy over everything, warnings denied. Missing documentation and oversized functions count.
pub(crate) fn lints() -> Result<Vec<Finding>> {
    let mut clippy = workspace::cargo();
    clippy.args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    Ok(match process::run(&mut clippy) {
        Ok(()) => Vec::new(),
        Err(_) => vec![Finding::new(
            "",
            "clippy has findings; each is printed above with its place",
            "`cargo xtask fix` mends the simple ones",
        )],
    })
}

/// Generated files are what their sources make today.
pub(crate) fn generated() -> Result<Vec<Finding>> {
    let stale = r#gen::stale()?;
    let findings = stale
        .into_iter()
        .map(|path| Finding::new(path, "not what its source generates now", "cargo xtask gen"))
        .collect();
    Ok(findings)
}
