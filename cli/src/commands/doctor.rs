//! `tidemill doctor`: looks at everything between this program and a record stored, and names the mend of what is wrong.
//!
//! Each check stands on those before it; what cannot be looked at because of an earlier failure is said to be skipped.

mod advertised;
mod control_plane;
mod data_dir;
mod finding;
mod network;
mod probe;
mod round_trip;
mod topics;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tidemill_client::bootstrap_addresses;

use crate::args::{Connection, Span, Target};
use crate::error::Failure;
use crate::output::{Format, Output};
use finding::Report;

const EXAMPLES: &str = "\
Examples:
  tidemill doctor
  tidemill doctor --bootstrap broker-1:9092 --round-trip
  tidemill doctor --offline --data-dir /var/lib/tidemill

The exit code is 0 only when nothing failed; a warning is no failure.";

/// Why what needs the brokers themselves is skipped.
const UNREACHABLE: &str = "a broker cannot be reached at its advertised address";

/// What to check.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Also send a record through a topic made for it, which is deleted afterwards
    #[arg(long, conflicts_with = "offline")]
    round_trip: bool,
    /// Also check this data directory of a server on this machine
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Look at no server, only at --data-dir
    #[arg(long, requires = "data_dir")]
    offline: bool,
    /// How long each step may take
    #[arg(long, default_value = "5s", value_name = "SPAN")]
    timeout: Span,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let mut report = Report::new(options.output.output == Format::Table);
    if !options.offline {
        check_server(&options, &mut report).await;
    }
    if let Some(dir) = &options.data_dir {
        report.failures_mean(1);
        data_dir::check(&mut report, dir);
    }
    report.finish(&options.output)
}

async fn check_server(options: &Options, report: &mut Report) {
    let patience = options.timeout.0.max(Duration::from_millis(1));
    report.failures_mean(Failure::USAGE);
    let Some(target) = target(options, report) else {
        return;
    };
    let addresses = match bootstrap_addresses(&target.bootstrap) {
        Ok(addresses) => addresses,
        Err(error) => return report.fail_with("address", error),
    };
    report.failures_mean(Failure::NO_CONNECTION);
    let Some(reached) = network::check(report, addresses, patience).await else {
        return report.skip("cluster", "no bootstrap server answers");
    };
    let reachable = advertised::check(report, &reached, patience).await;
    if reachable || target.admin_url.is_some() {
        control_plane::check(report, &target, &reached, patience).await;
    } else {
        report.skip("control plane", UNREACHABLE);
    }
    report.failures_mean(1);
    if reachable {
        topics::check(report, &reached.client).await;
    } else {
        report.skip("topics", UNREACHABLE);
    }
    if options.round_trip && reachable {
        round_trip::check(report, &reached.client, patience).await;
    } else if options.round_trip {
        report.skip("round trip", UNREACHABLE);
    }
}

/// Where to connect.
fn target(options: &Options, report: &mut Report) -> Option<Target> {
    match options.connection.target() {
        Ok(target) => {
            report.ok("profile", format!("{}, from {}", target.bootstrap, target.origin));
            Some(target)
        }
        Err(error) => {
            report.fail_with("profile", format!("{error:#}"));
            None
        }
    }
}
