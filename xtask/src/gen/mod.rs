//! `cargo xtask gen`: files that are written by programs and checked in, so that readers need no build.

mod cli_reference;
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

/// A generated file: its path from the root, and what it should hold.
struct Generated {
    path: &'static str,
    content: String,
}

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
    for generated in all()? {
        if is_stale(&generated) {
            let path = workspace::root().join(generated.path);
            fs::write(&path, &generated.content)
                .with_context(|| format!("cannot write {}", path.display()))?;
            println!("wrote {}", generated.path);
        }
    }
    Ok(())
}

/// The paths of the files that are not what their sources generate now.
pub(crate) fn stale() -> Result<Vec<&'static str>> {
    Ok(all()?
        .iter()
        .filter(|generated| is_stale(generated))
        .map(|generated| generated.path)
        .collect())
}

fn all() -> Result<Vec<Generated>> {
    Ok(vec![
        Generated {
            path: "docs/openapi.json",
            content: openapi::generate()?,
        },
        Generated {
            path: "docs/cli.md",
            content: cli_reference::generate()?,
        },
    ])
}

fn is_stale(generated: &Generated) -> bool {
    fs::read_to_string(workspace::root().join(generated.path))
        .ok()
        .as_deref()
        != Some(&generated.content)
}
