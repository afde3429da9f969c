//! `cargo xtask fix`: mends what can be mended without thought.

use anyhow::Result;

use crate::{r#gen, guests, process, workspace};

/// Generated files first, so that they are formatted too.
pub(crate) fn run() -> Result<()> {
    r#gen::write_all()?;
    let mut clippy = workspace::cargo();
    clippy.args([
        "clippy",
        "--fix",
        "--workspace",
        "--all-targets",
        "--allow-dirty",
        "--allow-staged",
    ]);
    process::run(&mut clippy)?;
    process::run(workspace::cargo().args(["fmt", "--all"]))?;
    process::run(guests::cargo("fmt").arg("--all"))
}
