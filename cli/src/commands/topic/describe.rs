//! `tidemill topic describe`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::{Client, ConfigEntry, Start, TopicDescription};

use crate::args::Connection;
use crate::output::{Output, table};

/// Which topic.
#[derive(Args)]
pub(crate) struct Options {
    /// Its name
    name: String,
    /// Every setting, also those at their default
    #[arg(long)]
    all_configs: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let client = connection.open().await?;
    let topic = client.topics().describe(&options.name).await?;
    let partitions = partitions(&client, &topic).await?;
    let settings = client.configs().topic(&options.name).await?;
    let settings: Vec<Value> = settings
        .iter()
        .filter(|entry| options.all_configs || !entry.default)
        .map(setting)
        .collect();
    let described = json!({
        "name": topic.name,
        "id": topic.id,
        "internal": topic.internal,
        "partitions": partitions,
        "configs": settings,
    });
    options
        .output
        .one(&described, |_| for_people(&topic, &partitions, &settings))
}

/// Where each partition is, and what it holds.
async fn partitions(client: &Client, topic: &TopicDescription) -> Result<Vec<Value>> {
    let topics = client.topics();
    let starts = topics.offsets(&topic.name, Start::Earliest).await?;
    let ends = topics.offsets(&topic.name, Start::Latest).await?;
    let rows = topic.partitions.iter().map(|partition| {
        let offset = |of: &[tidemill_client::PartitionOffset]| {
            of.iter()
                .find(|found| found.partition == partition.partition)
                .map(|found| found.offset)
        };
        let (start, end) = (offset(&starts), offset(&ends));
        json!({
            "partition": partition.partition,
            "leader": partition.leader,
            "leaderEpoch": partition.leader_epoch,
            "replicas": partition.replicas,
            "inSyncReplicas": partition.isr,
            "logStartOffset": start,
            "endOffset": end,
            "records": start.zip(end).map(|(start, end)| end - start),
        })
    });
    Ok(rows.collect())
}

fn setting(entry: &ConfigEntry) -> Value {
    json!({
        "name": entry.name,
        "value": if entry.sensitive { None } else { entry.value.as_deref() },
        "source": entry.source,
        "readOnly": entry.read_only,
    })
}

fn for_people(topic: &TopicDescription, partitions: &[Value], settings: &[Value]) -> String {
    let mut text = format!("topic {}  id {}\n\n", topic.name, topic.id);
    text += &table(
        partitions,
        &[
            ("PARTITION", "/partition"),
            ("LEADER", "/leader"),
            ("EPOCH", "/leaderEpoch"),
            ("REPLICAS", "/replicas"),
            ("IN SYNC", "/inSyncReplicas"),
            ("START", "/logStartOffset"),
            ("END", "/endOffset"),
        ],
    );
    if !settings.is_empty() {
        text += "\n\n";
        text += &table(
            settings,
            &[("SETTING", "/name"), ("VALUE", "/value"), ("SOURCE", "/source")],
        );
    }
    text
}
