//! `tidemill group reset-offsets`.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::{GroupOffset, Start, TopicPartitionOffset};

use crate::args::{Connection, parse_position};
use crate::error::Failure;
use crate::output::Output;

/// Which offsets, and where to.
#[derive(Args)]
pub(crate) struct Options {
    /// The group's id
    group: String,
    /// The topic; may be given again; every topic that the group has committed offsets for by default
    #[arg(long, short = 't', value_name = "TOPIC")]
    topic: Vec<String>,
    /// Where to go on reading: earliest, latest, an offset, or @TIME
    #[arg(long, value_name = "PLACE", value_parser = parse_position)]
    to: Start,
    /// Do it
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let groups = connection.open().await?.groups();
    let committed = match groups.offsets(&options.group).await {
        Ok(committed) => committed,
        // A group may be given offsets before it has any.
        Err(error) if error.kind() == tidemill_client::ErrorKind::NotFound && !options.topic.is_empty() => {
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let mut topics = options.topic.clone();
    if topics.is_empty() {
        topics.extend(committed.iter().map(|offset| offset.topic.clone()));
        topics.sort();
        topics.dedup();
    }
    if topics.is_empty() {
        let message = format!(
            "group {:?} has committed no offsets; name a topic with --topic",
            options.group
        );
        bail!(Failure::usage(message));
    }
    let mut rows = Vec::new();
    for topic in &topics {
        let offsets = groups
            .reset_offsets(&options.group, topic, options.to, !options.execute)
            .await?;
        rows.extend(offsets.iter().map(|offset| row(offset, &committed)));
    }
    let new = if options.execute { "NOW" } else { "WOULD BE" };
    options.output.list(
        &rows,
        &[
            ("TOPIC", "/topic"),
            ("PARTITION", "/partition"),
            ("WAS", "/before"),
            (new, "/offset"),
        ],
    )?;
    if !options.execute {
        connection.say("nothing was changed; say --execute to do it");
    }
    Ok(())
}

fn row(new: &TopicPartitionOffset, committed: &[GroupOffset]) -> Value {
    let old = committed
        .iter()
        .find(|old| old.topic == new.topic && old.partition == new.partition)
        .map(|old| old.committed)
        .filter(|offset| *offset >= 0);
    json!({"topic": new.topic, "partition": new.partition, "before": old, "offset": new.offset})
}
