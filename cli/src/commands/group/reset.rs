//! `tidemill group reset-offsets`.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::{Client, ErrorKind, GroupOffset, Start, TopicPartitionOffset};

use crate::args::{Connection, parse_position};
use crate::error::Failure;
use crate::output::Output;

/// Which offsets, and where to.
#[derive(Args)]
pub(crate) struct Options {
    /// The group's id
    group: String,
    /// The topic; may be given again; every topic that the group has committed offsets for by default
    #[arg(long = "topic", short = 't', value_name = "TOPIC")]
    topics: Vec<String>,
    /// Only this partition; may be given again
    #[arg(long = "partition", short = 'p', value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partitions: Vec<i32>,
    #[command(flatten)]
    to: Destination,
    /// Do it
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Destination {
    /// Where to go on reading: earliest, latest, an offset, or @TIME; what is outside the log is moved into it
    #[arg(long, value_name = "PLACE", value_parser = parse_position)]
    to: Option<Start>,
    /// Go on this many records later than committed; earlier if negative
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    shift: Option<i64>,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let client = connection.open().await?;
    let committed = committed(&client, &options).await?;
    let planned = plan(&client, &options, &committed).await?;
    if options.execute {
        client.groups().alter_offsets(&options.group, &planned).await?;
    }
    let rows: Vec<Value> = planned.iter().map(|offset| row(offset, &committed)).collect();
    let new = if options.execute { "NOW" } else { "WOULD BE" };
    let columns = [
        ("TOPIC", "/topic"),
        ("PARTITION", "/partition"),
        ("WAS", "/before"),
        (new, "/offset"),
    ];
    options.output.list(&rows, &columns)?;
    if !options.execute {
        connection.say("nothing was changed; say --execute to do it");
    }
    Ok(())
}

/// What the group has committed. Nothing is no failure where a topic is named: a group may be given offsets first.
async fn committed(client: &Client, options: &Options) -> Result<Vec<GroupOffset>> {
    match client.groups().offsets(&options.group).await {
        Ok(committed) => Ok(committed),
        Err(error) if error.kind() == ErrorKind::NotFound && !options.topics.is_empty() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

async fn plan(
    client: &Client,
    options: &Options,
    committed: &[GroupOffset],
) -> Result<Vec<TopicPartitionOffset>> {
    let mut topics = options.topics.clone();
    if topics.is_empty() {
        topics.extend(committed.iter().map(|offset| offset.topic.clone()));
    }
    topics.sort();
    topics.dedup();
    let mut planned = Vec::new();
    for topic in &topics {
        planned.extend(match (options.to.to, options.to.shift) {
            (Some(to), _) => {
                client
                    .groups()
                    .reset_offsets(&options.group, topic, to, true)
                    .await?
            }
            (None, shift) => shifted(committed, topic, shift.unwrap_or(0)),
        });
    }
    planned.retain(|offset| options.partitions.is_empty() || options.partitions.contains(&offset.partition));
    if planned.is_empty() {
        let message = match topics.is_empty() {
            true => format!(
                "group {:?} has committed no offsets; name a topic with --topic",
                options.group
            ),
            false => format!(
                "group {:?} has no such offsets; see tidemill group describe",
                options.group
            ),
        };
        bail!(Failure::new(Failure::NOT_FOUND, message));
    }
    Ok(planned)
}

/// Committed offsets moved by some records, but not out of the log.
fn shifted(committed: &[GroupOffset], topic: &str, by: i64) -> Vec<TopicPartitionOffset> {
    let there = committed
        .iter()
        .filter(|old| old.topic == topic && old.committed >= 0 && old.end >= 0);
    there
        .map(|old| TopicPartitionOffset {
            topic: topic.to_owned(),
            partition: old.partition,
            offset: old.committed.saturating_add(by).min(old.end).max(old.log_start),
        })
        .collect()
}

fn row(new: &TopicPartitionOffset, committed: &[GroupOffset]) -> Value {
    let old = committed
        .iter()
        .find(|old| old.topic == new.topic && old.partition == new.partition)
        .map(|old| old.committed)
        .filter(|offset| *offset >= 0);
    json!({"topic": new.topic, "partition": new.partition, "before": old, "offset": new.offset})
}
