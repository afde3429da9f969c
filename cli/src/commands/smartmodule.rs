//! `tidemill smartmodule`: programs for streams, looked at and tried out before any server sees them.

mod conform;
mod describe;
mod file;
mod samples;
mod test;

use anyhow::Result;
use clap::{Args, Subcommand};

const EXPLAINED: &str = "\
A SmartModule is a WebAssembly file that works on the records of a stream: it filters, maps, validates or folds them.
docs/smartmodule-abi.md is its contract, and smartmodule/sdk helps to write one. Compiled modules are kept in the directory
named by TIDEMILL_CACHE, else in the user's directory of caches.

Examples:
  tidemill smartmodule describe errors.wasm
  tidemill smartmodule test errors.wasm -e text=failed --record 'all is well' --record 'it failed'
  tidemill smartmodule conform errors.wasm";

/// What to do with SmartModules.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a module is: its kind and its parameters
    Describe(describe::Options),
    /// Run records through a module, or through a chain of them, and show what comes out
    Test(test::Options),
    /// Check whether a module honours the contract
    Conform(conform::Options),
}

pub(crate) fn run(options: Options) -> Result<()> {
    match options.command {
        Command::Describe(options) => describe::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Conform(options) => conform::run(&options),
    }
}
