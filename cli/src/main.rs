//! `tidemill`: the server and its tools in one binary.

mod commands;
mod logging;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A programmable data-streaming platform that speaks the Kafka protocol.
#[derive(Parser)]
#[command(name = "tidemill", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server
    Serve(commands::serve::Options),
    /// Create, list, describe and delete topics
    #[command(subcommand)]
    Topic(commands::topic::Command),
    /// Send lines as records
    Produce(commands::produce::Options),
    /// Print records
    Consume(commands::consume::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(options) => commands::serve::run(options),
        Command::Topic(command) => commands::run(commands::topic::run(command)),
        Command::Produce(options) => commands::run(commands::produce::run(options)),
        Command::Consume(options) => commands::run(commands::consume::run(options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => commands::report(&error),
    }
}
