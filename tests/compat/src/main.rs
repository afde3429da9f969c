//! Foreign clients against a real server: the proof that any Kafka client works unchanged.
//!
//! Each suite is a program of its own, in its client's language, that prints one JSON line a case. This harness
//! starts the server, runs the suites, bounds their time, and compares what it saw with two checked-in files: the known
//! failures (which must still fail) and the page `docs/compat.md` (which must list what ran). It knows the server only as
//! a process: the same suites run against any Kafka-compatible broker with `--bootstrap`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod case;
mod dump;
mod java;
mod kcat;
mod known;
mod page;
mod program;
mod server;
mod suite;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use case::Results;
use server::Server;
use suite::{SUITES, Target};

/// Runs the compat suites.
#[derive(Parser)]
struct Options {
    /// The `tidemill` binary to start
    #[arg(long, required_unless_present = "bootstrap")]
    server: Option<PathBuf>,
    /// Test this broker instead of starting one: it checks the suites themselves
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "server")]
    bootstrap: Option<String>,
    /// Where `cargo xtask setup` installed the clients
    #[arg(long)]
    tools: PathBuf,
    /// Append each result to this file, one JSON object a line
    #[arg(long)]
    results: Option<PathBuf>,
    /// Write docs/compat.md from what ran, rather than compare it
    #[arg(long)]
    write_page: bool,
    /// Only these suites; all of them when none is named
    suites: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every case came out as expected.
fn run(options: &Options) -> Result<bool> {
    let known_names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
    if let Some(name) = options
        .suites
        .iter()
        .find(|name| !known_names.contains(&name.as_str()))
    {
        anyhow::bail!(
            "there is no suite `{name}`. There are: {}",
            known_names.join(", ")
        );
    }
    let server = match &options.server {
        Some(binary) => Some(Server::start(binary)?),
        None => None,
    };
    let target = Target {
        bootstrap: match (&server, &options.bootstrap) {
            (Some(server), _) => server.kafka().to_owned(),
            (None, Some(bootstrap)) => bootstrap.clone(),
            (None, None) => anyhow::bail!("neither --server nor --bootstrap is given"),
        },
        data_dir: server.as_ref().map(|server| server.data_dir().to_owned()),
        tools: options
            .tools
            .canonicalize()
            .context("--tools names no directory: run `cargo xtask setup`")?,
    };
    let known = if server.is_some() {
        known::read()?
    } else {
        Vec::new()
    };
    let mut results = Results::new(options.results.as_deref(), known)?;
    let whole = options.suites.is_empty();
    for suite in SUITES
        .iter()
        .filter(|suite| whole || options.suites.iter().any(|name| name == suite.name))
    {
        println!("compat {}: {}", suite.name, suite.client);
        results.begin(suite.name);
        if let Err(error) = (suite.run)(&target, &mut results) {
            results.record("suite", false, &format!("{error:#}"))?;
        }
        results.end()?;
    }
    if let Some(mut server) = server {
        server.finish(&mut results)?;
        if whole {
            page::settle(&mut results, options.write_page)?;
        }
    }
    println!("compat: {} passed, {} failed", results.passed(), results.failed());
    Ok(results.failed() == 0)
}
