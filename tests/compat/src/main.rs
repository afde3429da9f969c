//! Foreign clients against a real server: the proof that any Kafka client works unchanged.
//!
//! Each suite is a program of its own, in its client's language, that prints one JSON line a case. This harness
//! starts the server, runs the suites, bounds their time, and compares what it saw with what is checked in: the known
//! failures (which must still fail) and the pages `docs/compat.md` and `findings.md` (which must list what ran, and what
//! did not). It knows the server only as a process: the same suites run against any Kafka-compatible broker with
//! `--bootstrap`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod capability;
mod case;
mod differential;
mod dump;
mod java;
mod kafka;
mod kcat;
mod known;
mod page;
mod pins;
mod program;
mod published;
mod restart;
mod server;
mod suite;
mod tools;
mod views;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use case::Results;
use published::{Need, PUBLISHED, Running};
use server::Server;
use suite::{LONG_SUITES, SUITES, Suite, Target};

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
    /// The long run: more records, and the suites that only it has
    #[arg(long)]
    full: bool,
    /// Only these suites; all of them when none is named
    suites: Vec<String>,
}

/// So small and so often that the offsets of the suites' groups are compacted while they run.
const SETTINGS: &str = "offsets-segment-bytes = 20000\ncompaction-backoff-ms = 200\n";

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
    check_names(&options.suites)?;
    let whole = options.suites.is_empty();
    let wanted = |name: &str| whole || options.suites.iter().any(|one| one == name);
    let mut server = match &options.server {
        Some(binary) => Some(Server::start(binary, SETTINGS)?),
        None => None,
    };
    let target = target(options, server.as_ref())?;
    let known = match server {
        Some(_) => known::read()?,
        None => Vec::new(),
    };
    let mut results = Results::new(options.results.as_deref(), known)?;
    let running: Vec<Running> = PUBLISHED
        .iter()
        .filter(|published| wanted(published.name))
        .map(|published| published::begin(published, options.server.as_deref(), need(&target, options)))
        .collect();
    let long = LONG_SUITES
        .iter()
        .filter(|suite| if whole { options.full } else { wanted(suite.name) });
    let suites: Vec<&Suite> = SUITES
        .iter()
        .filter(|suite| wanted(suite.name))
        .chain(long)
        .collect();
    for suite in suites {
        println!("compat {}: {}", suite.name, suite.client);
        results.begin(suite.name);
        if let Err(error) = (suite.run)(&target, &mut results) {
            results.record("suite", false, &format!("{error:#}"))?;
        }
        results.end()?;
    }
    for tests in running {
        println!("compat {}: published tests", tests.name);
        results.begin(tests.name);
        match tests.join() {
            Ok(found) => {
                for one in found {
                    results.record(&one.case, one.ok, &one.detail)?;
                }
            }
            Err(error) => results.record("suite", false, &format!("{error:#}"))?,
        }
        results.end()?;
    }
    if let Some(server) = &mut server {
        server.finish(&mut results)?;
        // The pages speak of what both runs have.
        if whole {
            page::settle(&mut results, options.write_page)?;
        }
    }
    println!("compat: {} passed, {} failed", results.passed(), results.failed());
    Ok(results.failed() == 0)
}

fn check_names(suites: &[String]) -> Result<()> {
    let published = PUBLISHED.iter().map(|published| published.name);
    let ours = SUITES.iter().chain(LONG_SUITES).map(|suite| suite.name);
    let known: Vec<&str> = ours.chain(published).collect();
    match suites.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => anyhow::bail!("there is no suite `{name}`. There are: {}", known.join(", ")),
        None => Ok(()),
    }
}

fn target(options: &Options, server: Option<&Server>) -> Result<Target> {
    Ok(Target {
        bootstrap: match (server, &options.bootstrap) {
            (Some(server), _) => server.kafka().to_owned(),
            (None, Some(bootstrap)) => bootstrap.clone(),
            (None, None) => anyhow::bail!("neither --server nor --bootstrap is given"),
        },
        binary: options.server.clone(),
        data_dir: server.map(Server::data_dir),
        tools: options
            .tools
            .canonicalize()
            .context("--tools names no directory: run `cargo xtask setup`")?,
    })
}

fn need(target: &Target, options: &Options) -> Need {
    Need {
        bootstrap: target.bootstrap.clone(),
        tools: target.tools.clone(),
        full: options.full,
    }
}
