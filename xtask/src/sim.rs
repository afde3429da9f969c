//! `cargo xtask sim`: the log on a simulated disk that crashes and fails.
//!
//! What is simulated today is the log of one partition; the tests are those of the storage and partition crates whose
//! names begin with `sim_`. They also run, over a few seeds, with every `cargo xtask test`.

use anyhow::{Result, bail};
use clap::Args;

use crate::test::CargoOutput;
use crate::{process, workspace};

const EXPLAINED: &str = "\
What is simulated today is the log of one partition on a disk that dies, tears writes or fails at every operation of a \
history; a seed makes a history. Several nodes and their network are not simulated yet.

Examples:
  cargo xtask sim 42            # the history of a seed, as a failing test printed it
  cargo xtask sim --seeds 500   # many histories, the first that fails is named";

/// Which histories.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// The seed that a failing run printed
    #[arg(required_unless_present = "seeds", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run so many seeds, from 0
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
}

/// Runs the simulations with the seeds in their environment.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "test",
        "--package",
        "tidemill-storage",
        "--package",
        "tidemill-partition",
    ]);
    cargo.args(["sim_", "--", "--nocapture"]);
    if let Some(seed) = options.seed {
        cargo.env("TIDEMILL_SIM_SEED", seed.to_string());
    }
    if let Some(seeds) = options.seeds {
        cargo.env("TIDEMILL_SIM_SEEDS", seeds.to_string());
    }
    let mut output = CargoOutput::default();
    let status = process::stream(&mut cargo, |line| {
        println!("{line}");
        output.line(line);
    })?;
    let outcomes = output.finish(status.success());
    let passed: u64 = outcomes.iter().map(|outcome| outcome.passed).sum();
    if !status.success() {
        bail!("a simulation failed; the seed is named above, and `cargo xtask sim SEED` replays it");
    }
    if passed == 0 {
        bail!("there is no simulation in this checkout: no test has a name that begins with `sim_`");
    }
    println!("{passed} simulations passed");
    Ok(())
}
