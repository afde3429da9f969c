//! `tidemill topic`.

mod alter;
mod create;
mod delete;
mod describe;
mod list;
mod trim;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::args::Connection;

const EXAMPLES: &str = "\
Examples:
  tidemill topic create orders --partitions 3 --config retention.ms=604800000
  tidemill topic describe orders
  tidemill topic alter orders --config tidemill.flush=interval --unset retention.ms
  tidemill topic add-partitions orders --total 6
  tidemill topic trim orders --before @7d
  tidemill topic delete orders";

/// What to do with topics.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Subcommand)]
enum Command {
    /// Create a topic
    Create(create::Options),
    /// List topics
    List(list::Options),
    /// Show a topic's partitions, offsets and settings
    Describe(describe::Options),
    /// Change a topic's settings
    Alter(alter::Options),
    /// Delete topics and their records
    Delete(delete::Options),
    /// Give a topic more partitions
    AddPartitions(alter::AddPartitions),
    /// Delete the oldest records of a topic
    Trim(trim::Options),
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let connection = &options.connection;
    match options.command {
        Command::Create(options) => create::run(options, connection).await,
        Command::List(options) => list::run(options, connection).await,
        Command::Describe(options) => describe::run(options, connection).await,
        Command::Alter(options) => alter::run(options, connection).await,
        Command::Delete(options) => delete::run(options, connection).await,
        Command::AddPartitions(options) => alter::add_partitions(options, connection).await,
        Command::Trim(options) => trim::run(options, connection).await,
    }
}
