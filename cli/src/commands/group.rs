//! `tidemill group`.

mod describe;
mod reset;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::Connection;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  tidemill group list
  tidemill group describe billing
  tidemill group reset-offsets billing --topic orders --to earliest            # shows what would change
  tidemill group reset-offsets billing --topic orders --to @2h --execute
  tidemill group reset-offsets billing --topic orders --partition 0 --shift -10 --execute
  tidemill group delete billing";

/// What to do with consumer groups.
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
    /// List consumer groups
    List(#[command(flatten)] Output),
    /// Show a group's members, offsets and lag
    Describe(describe::Options),
    /// Delete groups without members, and the offsets they committed
    Delete {
        /// Their ids
        #[arg(required = true)]
        groups: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Set where a group without members goes on reading; shows what would change unless --execute is given
    ResetOffsets(reset::Options),
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let connection = &options.connection;
    match options.command {
        Command::List(output) => list(&output, connection).await,
        Command::Describe(options) => describe::run(options, connection).await,
        Command::Delete { groups, output } => delete(&groups, &output, connection).await,
        Command::ResetOffsets(options) => reset::run(options, connection).await,
    }
}

async fn list(output: &Output, connection: &Connection) -> Result<()> {
    let groups = connection.open().await?.groups().list().await?;
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            json!({
                "group": group.group_id,
                "state": group.state,
                "kind": group.kind,
                "protocolType": group.protocol_type,
            })
        })
        .collect();
    output.list(
        &rows,
        &[
            ("GROUP", "/group"),
            ("STATE", "/state"),
            ("KIND", "/kind"),
            ("PROTOCOL", "/protocolType"),
        ],
    )
}

async fn delete(names: &[String], output: &Output, connection: &Connection) -> Result<()> {
    let groups = connection.open().await?.groups();
    let mut done = Vec::with_capacity(names.len());
    for name in names {
        groups.delete(name).await?;
        connection.say(format_args!("deleted group {name}"));
        done.push(json!({"group": name, "deleted": true}));
    }
    output.done(&Value::Array(done))
}
