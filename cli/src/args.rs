//! What can be asked on the command line.

mod connection;
mod position;
mod rate;
mod setting;
mod span;

use clap::{Parser, Subcommand};

use crate::commands;

pub(crate) use connection::{Connection, Target};
pub(crate) use position::{PositionArgs, Time, parse_position};
pub(crate) use rate::Rate;
pub(crate) use setting::Setting;
pub(crate) use span::Span;

/// A data-streaming platform that speaks the Kafka protocol: the server and its tools.
#[derive(Parser)]
#[command(name = "tidemill", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Commands find the server by --bootstrap, else TIDEMILL_BOOTSTRAP, else the profile in use (see
`tidemill profile`), else at 127.0.0.1:9092. Results go to standard output, all else to standard error.

Exit codes:
  0  done                              5  no connection, or the server cannot answer now
  1  failed in another way             6  not done in time
  2  wrong usage or an illegal value   7  damaged data, or a verification that failed
  3  not found                         8  not allowed
  4  already there, or in conflict    10  `plan --exit-code` found changes
130  stopped by Ctrl-C                143  stopped by SIGTERM
A reader that closes the pipe early is no failure.";

/// One command.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a server
    Serve(commands::serve::Options),
    /// Create, list, describe, alter, delete, grow and trim topics
    Topic(commands::topic::Options),
    /// Send records: lines, JSON lines or whole files
    Produce(commands::produce::Options),
    /// Read records
    Consume(commands::consume::Options),
    /// List, describe, delete consumer groups, and reset their offsets
    Group(commands::group::Options),
    /// Show objects of the control plane
    Get(commands::get::Options),
    /// Show one object with its status and conditions
    Describe(commands::describe::Options),
    /// Make the cluster match documents
    Apply(commands::apply::Options),
    /// Show what `apply` would change, changing nothing
    Plan(commands::plan::Options),
    /// Delete objects, by name or as named in documents
    Delete(commands::delete::Options),
    /// Follow the changes of objects
    Watch(commands::watch::Options),
    /// Look at SmartModules, programs for streams, and try them out
    Smartmodule(commands::smartmodule::Options),
    /// Keep the addresses of servers under names
    Profile(commands::profile::Options),
    /// Measure throughput and latency, with a check for loss, duplicates and order
    Bench(commands::bench::Options),
    /// Check the server and this machine, and name the mend of what is wrong
    Doctor(commands::doctor::Options),
    /// Print a completion script for a shell
    Completions(commands::completions::Options),
    /// Print the version
    Version(commands::version::Options),
}
