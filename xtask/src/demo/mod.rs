//! `cargo xtask demo`: real data streamed at pace through a server of its own.

mod aftermath;
mod child;
mod flights;
mod http;
mod interrupt;
mod kept;
mod ledger;
mod metrics;
mod producer;
mod reader;
mod screen;
mod server;
mod story;
mod stream;
mod summary;
mod tidemill;
mod view;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::setup::{self, Part};
use crate::{process, workspace};
use flights::Flights;
use screen::{Screen, time};

const TOPIC: &str = "flights";
/// The consumer group.
const GROUP: &str = "board";
/// So long the stream lasts.
const SECONDS: u32 = 20;

const EXPLAINED: &str = "\
It builds the server, starts it on free ports, describes a topic, streams 20,000 flights through it to `tidemill consume` \
and to kcat, looks at the group's lag, replays a part, kills the server and starts it again, and says whether every \
flight came through once and in order. Under half a minute after the first build. Ctrl-C stops everything it started.";

/// How the demo runs.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// Leave the server running when the demo ends, and say how to look at it
    #[arg(long)]
    keep: bool,
    /// Only stop servers that `--keep` left running, and remove their data
    #[arg(long, conflicts_with_all = ["keep", "rate", "fast"])]
    stop: bool,
    /// Flights a second [default: so many that the stream lasts 20 seconds]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "fast")]
    rate: Option<u32>,
    /// Send the flights as fast as the server takes them
    #[arg(long)]
    fast: bool,
    /// Show this `tidemill`, and build none
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// Sets up, builds the server and runs the demo.
pub(crate) fn run(options: &Options) -> Result<()> {
    interrupt::watch()?;
    if options.stop {
        return kept::stop_all();
    }
    let screen = Screen::new();
    println!("Tidemill's demo: real flights stream through a server of its own, to two readers.");
    screen.step("Set-up");
    let flights = flights(&screen)?;
    let kcat = kcat(&screen)?;
    let binary = match &options.binary {
        Some(path) => path.clone(),
        None => build(&screen)?,
    };
    let rate = match (options.fast, options.rate) {
        (true, _) => None,
        (false, Some(rate)) => Some(rate),
        (false, None) => Some(u32::try_from(flights.len())?.div_ceil(SECONDS)),
    };
    let plan = story::Plan {
        binary,
        flights,
        kcat,
        rate,
        keep: options.keep,
    };
    story::tell(&screen, plan)
}

/// The data set: from its package where that can be had, else the part of it that is in the checkout.
fn flights(screen: &Screen) -> Result<Flights> {
    let flights = match setup::ensure(&[Part::Data]) {
        Ok(()) => Flights::from_package()?,
        Err(error) => {
            interrupt::check()?;
            screen.text(&format!("the data set cannot be fetched: {error:#}"));
            screen.text("going on with the flights in the checkout, a tenth of it");
            Flights::from_checkout()?
        }
    };
    screen.text(&format!(
        "data: {} flights ({})",
        screen::count(flights.len() as u64),
        flights.source
    ));
    Ok(flights)
}

/// Whether there is a kcat to run.
fn kcat(screen: &Screen) -> Result<bool> {
    let installed = setup::ensure(&[Part::Debian]);
    interrupt::check()?;
    Ok(match installed {
        Ok(()) => {
            screen.text("kcat: there (a foreign Kafka client, to read beside Tidemill's own)");
            true
        }
        Err(error) => {
            screen.text(&format!("kcat: {error:#}"));
            screen.text("going on without it");
            false
        }
    })
}

fn build(screen: &Screen) -> Result<PathBuf> {
    let began = Instant::now();
    screen.text("building the server (the first time takes some minutes)");
    let built = process::run(workspace::cargo().args(["build", "--release", "--package", "tidemill-cli"]));
    // Ctrl-C goes to the build as well, and is the better reason.
    interrupt::check()?;
    built?;
    screen.text(&format!("built in {}", time(began.elapsed())));
    Ok(workspace::binary("release"))
}
