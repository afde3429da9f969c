//! `tidemill topic create`.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tidemill_client::{ErrorKind, NewTopic};

use crate::args::{Connection, Setting};
use crate::output::{self, Output};

/// The topic to create.
#[derive(Args)]
pub(crate) struct Options {
    /// Its name
    name: String,
    /// How many partitions
    #[arg(long, short = 'p', default_value_t = 1, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// How many replicas of each; the server's default where not given
    #[arg(long, short = 'r', allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A setting by its Kafka name; may be given again
    #[arg(long = "config", short = 'c', value_name = "NAME=VALUE")]
    configs: Vec<Setting>,
    /// Be content if there is a topic of this name
    #[arg(long)]
    if_not_exists: bool,
    /// Only check whether it could be created
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let client = connection.open().await?;
    let mut topic = NewTopic::new(options.name.as_str())
        .partitions(options.partitions)
        .validate_only(options.dry_run);
    if let Some(count) = options.replication_factor {
        topic = topic.replication(count);
    }
    for Setting { name, value } in options.configs {
        topic = topic.config(name, value);
    }
    let created = match client.topics().create(topic).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && options.if_not_exists => {
            connection.say(format_args!("topic {} is there already", options.name));
            return Ok(());
        }
        outcome => outcome?,
    };
    let partitions = if created.partitions < 0 {
        options.partitions
    } else {
        created.partitions
    };
    let done = json!({
        "name": created.name,
        "id": created.id,
        "partitions": partitions,
        "replicationFactor": (created.replication > 0).then_some(created.replication),
        "dryRun": options.dry_run,
    });
    let verb = if options.dry_run {
        "could create"
    } else {
        "created"
    };
    options.output.one(&done, |_| {
        let partitions = output::counted(u64::try_from(partitions).unwrap_or(0), "partition");
        format!("{verb} topic {} with {partitions}", created.name)
    })
}
