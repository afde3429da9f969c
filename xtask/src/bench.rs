//! `cargo xtask bench`: builds the server as it ships and runs the benchmarks of `bench/` against it.

use anyhow::Result;
use clap::Args;

use crate::setup::{self, Part};
use crate::{process, workspace};

/// What to measure; everything after `--` goes to the benchmark program.
#[derive(Args)]
pub(crate) struct Options {
    /// Measure this peer in the same run
    #[arg(long, value_enum)]
    peer: Option<Peer>,
    /// Arguments of the benchmark program; `-- --help` lists them
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// A peer to measure against.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Peer {
    /// Apache Kafka in KRaft mode, one node
    Kafka,
}

/// `cargo xtask bench`.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ensure(&[Part::Python, Part::Kafka])?;
    process::run(workspace::cargo().args(["build", "--profile", "dist", "--package", "tidemill-cli"]))?;
    let mut bench = workspace::cargo();
    bench.args(["run", "--release", "--quiet", "--package", "tidemill-bench", "--"]);
    if let Some(Peer::Kafka) = options.peer {
        bench.args(["--peer", "kafka"]);
    }
    bench.args(&options.arguments);
    bench
        .env("TIDEMILL_BIN", workspace::binary("dist"))
        .env("TIDEMILL_TOOLS", workspace::tools());
    process::run(&mut bench)
}
