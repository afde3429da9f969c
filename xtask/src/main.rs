//! `cargo xtask`: every command a developer of Tidemill needs, each with its own set-up.
//!
//! It is the one place that knows how the house is built and judged. It depends on no other crate of the
//! workspace, so that it runs when they do not compile, and nothing depends on it.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod check;
mod demo;
mod fix;
mod fuzz;
mod r#gen;
mod process;
mod setup;
mod sim;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of Tidemill. Each one installs what it needs by itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what tests, demo and benchmarks need: Debian packages, Python and Node clients, Kafka's jars
    Setup(setup::Options),
    /// Show Tidemill at work on real data; ends by itself with a summary
    Demo(demo::Options),
    /// Run the Rust tests, then the foreign clients against a real server
    Test(test::Options),
    /// The read-only gate: format, lints, dependency edges, sizes, documentation, generated files
    Check(check::Options),
    /// Mend what can be mended by itself: format, simple lints, generated files
    Fix,
    /// Write the generated files again
    Gen(r#gen::Options),
    /// Measure Tidemill, side by side with a peer when asked
    Bench(bench::Options),
    /// Replay one seed of the crash and fault simulations
    Sim(sim::Options),
    /// Fuzz one target, or all of them in turn, for a bounded time
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Setup(options) => setup::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Fix => fix::run(),
        Command::Gen(options) => r#gen::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
