//! `cargo xtask gen`: files that are written by programs and checked in, so that readers need no build.

mod cli_reference;
mod error_kinds;
mod openapi;

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace;

/// What to do about generated files.
#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a file is not what its source generates now
    #[arg(long)]
    check: bool,
}

/// A generated file: its path from the root, and what makes its content.
type Generated = (&'static str, fn() -> Result<String>);

/// The error kinds come first: the other generators run programs that are built from them.
const GENERATED: &[Generated] = &[
    ("client-core/src/error/kind.rs", error_kinds::generate),
    ("docs/openapi.json", openapi::generate),
    ("docs/cli.md", cli_reference::generate),
];

/// `cargo xtask gen`.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.check {
        return write_all();
    }
    let stale = stale()?;
    if !stale.is_empty() {
        bail!("stale: {}. Mend with: cargo xtask gen", stale.join(", "));
    }
    println!("every generated file is fresh");
    Ok(())
}

/// Writes every generated file that is not fresh.
pub(crate) fn write_all() -> Result<()> {
    for (path, generate) in GENERATED {
        let content = generate()?;
        if is_stale(path, &content) {
            let file = workspace::root().join(path);
            fs::write(&file, &content).with_context(|| format!("cannot write {}", file.display()))?;
            println!("wrote {path}");
        }
    }
    Ok(())
}

/// The paths of the files that are not what their sources generate now.
pub(crate) fn stale() -> Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for (path, generate) in GENERATED {
        if is_stale(path, &generate()?) {
            stale.push(*path);
        }
    }
    Ok(stale)
}

fn is_stale(path: &str, content: &str) -> bool {
    fs::read_to_string(workspace::root().join(path)).ok().as_deref() != Some(content)
}
