//! `tidemill smartmodule`: programs for streams, looked at and tried out, and those of a server.

mod build;
mod conform;
mod describe;
mod diff;
mod file;
mod generate;
mod load;
mod on_server;
mod samples;
mod stored;
mod test;
mod trial;

use anyhow::Result;
use clap::{Args, Subcommand};

const EXPLAINED: &str = "\
A SmartModule is a WebAssembly file that works on the records of a stream: it filters, maps, validates or folds them.
docs/smartmodules.md is a guide to writing one, and docs/smartmodule-abi.md its contract. Compiled modules are kept in the
directory named by TIDEMILL_CACHE, else in the user's directory of caches.

Examples:
  tidemill smartmodule generate errors --lang rust --kind filter
  tidemill smartmodule build errors
  tidemill smartmodule describe errors.wasm
  tidemill smartmodule test errors.wasm -e text=failed --record 'all is well' --record 'it failed'
  tidemill smartmodule conform errors.wasm
  tidemill smartmodule load errors errors.wasm
  tidemill smartmodule list
  tidemill smartmodule rollback errors";

/// What to do with SmartModules.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a project to begin with, in a language of your choice
    Generate(generate::Options),
    /// Build the module of a project, with the tool chain of its language
    Build(build::Options),
    /// Say what a module is, a file or one of the server: its kind, its parameters, its versions
    Describe(describe::Options),
    /// Run records through a module, or through a chain of them, and show what comes out
    Test(test::Options),
    /// Check whether a module honours the contract
    Conform(conform::Options),
    /// Run two versions of a module on the same records, and show what would change
    Diff(diff::Options),
    /// Load a module into the server: as a new one, or as the version that runs from now on
    Load(load::Options),
    /// List the modules of the server
    List(on_server::List),
    /// Delete modules of the server that nothing uses
    Delete(on_server::Delete),
    /// Make a former version of a module the one that runs
    Rollback(on_server::Rollback),
}

pub(crate) fn run(options: Options) -> Result<()> {
    match options.command {
        Command::Generate(options) => generate::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Describe(options) => describe::run(options),
        Command::Test(options) => test::run(&options),
        Command::Conform(options) => conform::run(&options),
        Command::Load(options) => load::run(options),
        Command::List(options) => super::run(on_server::list(options)),
        Command::Delete(options) => super::run(on_server::delete(options)),
        Command::Rollback(options) => super::run(on_server::rollback(options)),
        Command::Diff(options) => diff::run(&options),
    }
}
