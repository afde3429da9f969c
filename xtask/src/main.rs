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
mod guests;
mod process;
mod setup;
mod sim;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXPLAINED: &str = "\
A Rust toolchain, Git and a C compiler have to be there. What else a command needs it installs by itself: Debian packages \
where it runs as root, all else into target/tools. Where it may not install, it says what is missing.

Continuous integration runs `cargo xtask check` and `cargo xtask test`.";

/// Developer commands of Tidemill. Each one installs what it needs by itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXPLAINED)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show Tidemill at work on real data; ends by itself with a summary
    Demo(demo::Options),
    /// Run every test: Rust, the README's tour, the demo, and foreign clients, against a real server
    Test(test::Options),
    /// Check format, lints, dependency edges, sizes, links, docs and generated files; changes nothing
    Check(check::Options),
    /// Mend what can be mended by itself: format, simple lints, generated files
    Fix,
    /// Write the generated files again: the command line's reference, the REST API, the error kinds
    Gen(r#gen::Options),
    /// Measure Tidemill, side by side with Apache Kafka when asked
    Bench(bench::Options),
    /// Run the log's histories on a simulated disk that crashes and fails
    Sim(sim::Options),
    /// Fuzz one target, or all of them in turn, for a bounded time; needs a nightly toolchain
    Fuzz(fuzz::Options),
    /// Only install what the other commands would: Debian packages, clients, data, Kafka's jars
    Setup(setup::Options),
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
