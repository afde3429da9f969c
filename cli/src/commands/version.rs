//! `tidemill version`.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::output::Output;

/// How to print it.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let version = json!({
        "name": "tidemill",
        "version": env!("CARGO_PKG_VERSION"),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
    });
    options
        .output
        .one(&version, |_| format!("tidemill {}", env!("CARGO_PKG_VERSION")))
}
