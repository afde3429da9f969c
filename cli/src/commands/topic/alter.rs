//! `tidemill topic alter` and `tidemill topic add-partitions`.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tidemill_client::ConfigChange;

use crate::args::{Connection, Setting};
use crate::error::Failure;
use crate::output::{self, Output};

/// What to change.
#[derive(Args)]
pub(crate) struct Options {
    /// The topic's name
    name: String,
    /// Set a setting, by its Kafka name; may be given again
    #[arg(long = "config", short = 'c', value_name = "NAME=VALUE")]
    configs: Vec<Setting>,
    /// Put a setting back to its default; may be given again
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// Add a value to a setting that is a list; may be given again
    #[arg(long, value_name = "NAME=VALUE")]
    append: Vec<Setting>,
    /// Take a value from a setting that is a list; may be given again
    #[arg(long, value_name = "NAME=VALUE")]
    subtract: Vec<Setting>,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let set = options
        .configs
        .into_iter()
        .map(|Setting { name, value }| ConfigChange::Set(name, value));
    let unset = options.unset.into_iter().map(ConfigChange::Delete);
    let append = options
        .append
        .into_iter()
        .map(|Setting { name, value }| ConfigChange::Append(name, value));
    let subtract = options
        .subtract
        .into_iter()
        .map(|Setting { name, value }| ConfigChange::Subtract(name, value));
    let changes: Vec<ConfigChange> = set.chain(unset).chain(append).chain(subtract).collect();
    if changes.is_empty() {
        bail!(Failure::usage(
            "nothing to change: give --config NAME=VALUE or --unset NAME (partitions: `topic add-partitions`)"
        ));
    }
    connection
        .open()
        .await?
        .configs()
        .alter_topic(&options.name, &changes)
        .await?;
    connection.say(format_args!("changed topic {}", options.name));
    let done = json!({"name": options.name, "changes": changes.len()});
    options.output.done(&done)
}

/// How many partitions there should be.
#[derive(Args)]
pub(crate) struct AddPartitions {
    /// The topic's name
    name: String,
    /// How many partitions it has afterwards; keys move to other partitions
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    total: i32,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn add_partitions(options: AddPartitions, connection: &Connection) -> Result<()> {
    connection
        .open()
        .await?
        .topics()
        .add_partitions(&options.name, options.total)
        .await?;
    let total = output::counted(u64::try_from(options.total)?, "partition");
    connection.say(format_args!("topic {} has {total}", options.name));
    let done = json!({"name": options.name, "partitions": options.total});
    options.output.done(&done)
}
