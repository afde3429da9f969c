//! `tidemill bench`: a load that can tell whether every record arrived, once and in order.
//!
//! `produce` stamps each record with its run, its producer, a number and the time it was sent; `consume` and `latency`
//! check the numbers. A run that fails its check prints no figure.

mod check;
mod clock;
mod consume;
mod figures;
mod generator;
mod latency;
mod load;
mod pace;
mod payload;
mod produce;
mod progress;
mod settle;
mod topic;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::args::Connection;
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  tidemill bench produce load --records 5000000 --record-size 1024 --partitions 8
  tidemill bench consume load
  tidemill bench latency --rate 1000/s --record-size 1024 --duration 30s --config tidemill.flush=interval

Every record carries its run, its producer and a number. `consume` and `latency` fail, with exit code 7 and without a
figure, when one is lost, comes twice or out of order.";

/// What to measure.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Send records as fast as they go, or at a rate
    Produce(produce::Options),
    /// Read what `bench produce` sent, and check it
    Consume(consume::Options),
    /// Send at an even pace, read at the same time, and show how long records take
    Latency(latency::Options),
}

pub(crate) fn run(options: Options) -> Result<()> {
    super::run_wide(async move {
        let Options {
            command,
            connection,
            output,
        } = options;
        match command {
            Command::Produce(options) => until_interrupted(produce::run(options, &connection, &output)).await,
            Command::Consume(options) => until_interrupted(consume::run(options, &connection, &output)).await,
            Command::Latency(options) => latency::run(options, &connection, &output).await,
        }
    })
}

/// Stops when the process is told to: half a run has no figure.
async fn until_interrupted<T>(measuring: impl Future<Output = Result<T>>) -> Result<T> {
    let interrupt = Interrupt::listen()?;
    tokio::select! {
        outcome = measuring => outcome,
        code = interrupt.received() => bail!(Failure::silent(code)),
    }
}

/// A number no other run has: the time, in nanoseconds, and the process mixed in.
fn new_run() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let low = u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap_or_default();
    low ^ (u64::from(std::process::id()) << 40)
}
