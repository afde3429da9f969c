//! `cargo xtask sim <seed>`: replays one history of the fault simulations.

use anyhow::Result;
use clap::Args;

use crate::{process, workspace};

/// Which history.
#[derive(Args)]
pub(crate) struct Options {
    /// The seed that a failing run printed
    seed: u64,
}

/// Runs the tests whose name holds `sim`, with the seed in `TIDEMILL_SIM_SEED`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "test",
        "--package",
        "tidemill-storage",
        "--package",
        "tidemill-partition",
        "sim",
    ]);
    cargo.env("TIDEMILL_SIM_SEED", options.seed.to_string());
    cargo.args(["--", "--nocapture"]);
    process::run(&mut cargo)
}
