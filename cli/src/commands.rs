//! One file a command.

pub(crate) mod apply;
pub(crate) mod bench;
mod changes;
pub(crate) mod completions;
pub(crate) mod consume;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod doctor;
mod documents;
pub(crate) mod get;
pub(crate) mod group;
pub(crate) mod plan;
pub(crate) mod produce;
pub(crate) mod profile;
pub(crate) mod serve;
pub(crate) mod smartmodule;
pub(crate) mod topic;
pub(crate) mod version;
pub(crate) mod watch;

use std::future::Future;

use anyhow::{Context, Result};
use tokio::runtime::Builder;

use crate::args::Command;
use crate::error::Failure;

/// Does what was asked.
pub(crate) fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Serve(options) => serve::run(options),
        Command::Topic(options) => run(topic::run(options)),
        Command::Produce(options) => produce::run(options),
        Command::Consume(options) => consume::run(options),
        Command::Group(options) => run(group::run(options)),
        Command::Get(options) => run(get::run(options)),
        Command::Describe(options) => run(describe::run(options)),
        Command::Apply(options) => apply::run(options),
        Command::Plan(options) => plan::run(options),
        Command::Delete(options) => delete::run(options),
        Command::Watch(options) => run(watch::run(options)),
        Command::Profile(options) => profile::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Doctor(options) => run(doctor::run(options)),
        Command::Smartmodule(options) => smartmodule::run(options),
        Command::Completions(options) => completions::run(&options),
        Command::Version(options) => version::run(&options),
    }
}

/// Runs a client command on a small runtime of its own, until it is done or Ctrl-C. The command must not block: what
/// it reads from files or standard input it reads before.
fn run<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = command => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::silent(Failure::INTERRUPTED).into()),
        }
    });
    // Whatever still reads standard input must not hold the process.
    runtime.shutdown_background();
    outcome
}

/// Runs a command that moves many records: with a thread beside the one that reads or prints. Such a command
/// sees to Ctrl-C itself.
fn run_wide(command: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_background();
    outcome
}
