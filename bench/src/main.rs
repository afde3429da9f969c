//! `cargo xtask bench`: runs Tidemill, and a peer when asked, with the same client on the same machine, and prints
//! a table of both.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tidemill_bench::run::{self, Plan};
use tidemill_bench::table;

/// Benchmarks with a check for loss and duplicates; a run that fails it prints no figure.
#[derive(Parser)]
struct Options {
    /// Measure this peer in the same run
    #[arg(long, value_enum)]
    peer: Option<Peer>,
    /// The `tidemill` binary
    #[arg(long, env = "TIDEMILL_BIN")]
    server: PathBuf,
    /// Where `cargo xtask setup` installed Kafka and the Python clients
    #[arg(long, env = "TIDEMILL_TOOLS")]
    tools: PathBuf,
    /// Sizes of a record, in bytes
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1024, 10240])]
    record_sizes: Vec<u64>,
    /// Partitions of the topic
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    partitions: Vec<u32>,
    /// MiB sent in each round
    #[arg(long, default_value_t = 512)]
    megabytes: u64,
    /// Clients that send and read as fast as they can
    #[arg(long, value_delimiter = ',', default_values_t = ["tidemill".to_owned(), "java".to_owned(), "confluent".to_owned()],
          value_parser = ["tidemill", "java", "confluent"])]
    clients: Vec<String>,
    /// Records a second at which latency is measured
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 10_000])]
    latency_rates: Vec<u64>,
    /// Seconds for which latency is measured in each round; 0 leaves it out
    #[arg(long, default_value_t = 10)]
    latency_seconds: u64,
    /// Connections that do nothing, whose memory is measured; 0 leaves it out
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// GiB of log on which the start is measured (as much disk is needed); 0 leaves it out
    #[arg(long, default_value_t = 10)]
    log_gib: u64,
    /// Measure servers at rest only: size, start, memory
    #[arg(long)]
    only_rest: bool,
    /// Rounds of each measurement; the table shows the median, the least and the most
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Write the table to this file too
    #[arg(long)]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Peer {
    /// Apache Kafka in KRaft mode, one node
    Kafka,
}

fn main() -> ExitCode {
    match bench(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<()> {
    let plan = Plan {
        installed: options.tools.clone(),
        server: options.server.clone(),
        with_kafka: options.peer == Some(Peer::Kafka),
        record_sizes: options.record_sizes.clone(),
        partitions: options.partitions.clone(),
        bytes: options.megabytes << 20,
        connections: options.connections,
        log_gib: options.log_gib,
        only_rest: options.only_rest,
        rounds: options.rounds.max(1),
        clients: options.clients.clone(),
        latency_rates: options.latency_rates.clone(),
        latency_seconds: options.latency_seconds,
    };
    let page = table::render(&run::all(&plan)?)?;
    println!("{page}");
    if let Some(path) = &options.output {
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
