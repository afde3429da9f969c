//! The checks that other programs do: rustfmt, clippy, and the generators.

use anyhow::Result;

use super::Finding;
use crate::{r#gen, guests, process, workspace};

/// Formatting, as rustfmt has it.
pub(crate) fn format() -> Result<Vec<Finding>> {
    let mut house = workspace::cargo();
    house.arg("fmt");
    let mut files = Vec::new();
    for mut fmt in [house, guests::cargo("fmt")] {
        fmt.args(["--all", "--", "--check", "-l"]);
        process::stream(&mut fmt, |line| files.push(line.to_owned()))?;
    }
    // Both look at what they share.
    files.sort();
    files.dedup();
    let root = format!("{}/", workspace::root().display());
    let findings = files
        .iter()
        .map(|file| Finding::new(file.replace(&root, ""), "not formatted", "cargo xtask fix"))
        .collect();
    Ok(findings)
}

/// Clippy over everything, warnings denied. Missing documentation and oversized functions count.
pub(crate) fn lints() -> Result<Vec<Finding>> {
    let mut house = workspace::cargo();
    house.arg("clippy");
    let mut clean = true;
    for mut clippy in [house, guests::cargo("clippy")] {
        clippy.args(["--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        clean &= process::run(&mut clippy).is_ok();
    }
    if clean {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::new(
        "",
        "clippy has findings; each is printed above with its place",
        "`cargo xtask fix` mends the simple ones",
    )])
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
