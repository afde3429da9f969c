//! `tidemill get`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tidemill_resource::Kind;

use crate::args::Connection;
use crate::output::{Column, Format, Output, emit, table};

const EXAMPLES: &str = "\
Examples:
  tidemill get topics
  tidemill get topic orders -o yaml > orders.yaml
  tidemill get brokers -o json";

/// Which objects.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// topics, smartmodules, views, brokers, partitions or consumergroups
    kind: Kind,
    /// The name of one object; all of the kind by default
    name: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let objects = options.connection.objects().await?;
    let plural = options.kind.plural();
    match &options.name {
        Some(name) => {
            let object = objects.get(plural, name).await?;
            match options.output.output {
                Format::Table => emit(&table(&[object], columns(options.kind))),
                _ => options.output.value(&object),
            }
        }
        None => options
            .output
            .list(&objects.list(plural).await?, columns(options.kind)),
    }
}

/// What tells most about objects of a kind.
pub(crate) fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Topic => &[
            ("NAME", "/metadata/name"),
            ("PARTITIONS", "/spec/partitions"),
            ("REPLICAS", "/spec/replicationFactor"),
            ("READY", "/status/conditions/0/status"),
            ("REASON", "/status/conditions/0/reason"),
            ("VERSION", "/metadata/resourceVersion"),
        ],
        Kind::SmartModule => &[
            ("NAME", "/metadata/name"),
            ("KIND", "/status/current/kind"),
            ("LANGUAGE", "/status/current/language"),
            ("SIZE", "/status/current/size"),
            ("READY", "/status/conditions/0/status"),
            ("REASON", "/status/conditions/0/reason"),
            ("VERSION", "/metadata/resourceVersion"),
        ],
        Kind::View => &[
            ("NAME", "/metadata/name"),
            ("SOURCE", "/spec/source"),
            ("TOPIC", "/status/sourceTopic"),
            ("PARTITIONS", "/status/partitions"),
            ("READY", "/status/conditions/0/status"),
            ("REASON", "/status/conditions/0/reason"),
            ("VERSION", "/metadata/resourceVersion"),
        ],
        Kind::Broker => &[
            ("ID", "/spec/id"),
            ("READY", "/status/conditions/0/status"),
            ("REASON", "/status/conditions/0/reason"),
            ("PARTITIONS", "/status/partitions"),
            ("LEADERS", "/status/leaders"),
            ("LOG SIZE", "/status/logSize"),
            ("VERSION", "/status/version"),
        ],
        Kind::Partition => &[
            ("TOPIC", "/spec/topic"),
            ("PARTITION", "/spec/partition"),
            ("LEADER", "/status/leader"),
            ("READY", "/status/conditions/0/status"),
            ("START", "/status/logStartOffset"),
            ("END", "/status/highWatermark"),
            ("SIZE", "/status/logSize"),
        ],
        Kind::ConsumerGroup => &[
            ("NAME", "/metadata/name"),
            ("STATE", "/status/state"),
            ("PROTOCOL", "/spec/protocol"),
            ("ASSIGNOR", "/status/assignor"),
            ("LAG", "/status/totalLag"),
        ],
    }
}

/// The name of an object in messages.
pub(crate) fn name_of(object: &Value) -> &str {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or("?")
}
