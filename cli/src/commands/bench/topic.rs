//! The topic that a benchmark writes to: made as wanted, or found to be as wanted.

use anyhow::{Result, bail};
use clap::Args;
use tidemill_client::{Client, ErrorKind, NewTopic};

use crate::args::Setting;
use crate::error::Failure;

/// What the topic should be like.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Topic")]
pub(super) struct Shape {
    /// Partitions of the topic, which is created if it is not there [default: 1]
    #[arg(long, short = 'p', value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How many replicas of each; the server's default where not given
    #[arg(long, short = 'r', value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A setting of the topic by its Kafka name; may be given again
    #[arg(long = "config", short = 'c', value_name = "NAME=VALUE")]
    configs: Vec<Setting>,
    /// Use the topic as it is, also when its shape is another
    #[arg(long)]
    use_existing: bool,
}

/// A topic there is.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) partitions: usize,
}

/// Makes the topic, or sees that the one there is has the shape wanted.
///
/// # Errors
/// The topic has another shape, and that is not said to be all right.
pub(super) async fn ensure(client: &Client, name: &str, shape: &Shape) -> Result<Topic> {
    let mut wanted = NewTopic::new(name).partitions(shape.partitions.unwrap_or(1));
    if let Some(count) = shape.replication_factor {
        wanted = wanted.replication(count);
    }
    for Setting { name, value } in &shape.configs {
        wanted = wanted.config(name, value);
    }
    match client.topics().create(wanted).await {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    let topic = client.topics().describe(name).await?;
    let partitions = topic.partitions.len();
    let replicas = topic
        .partitions
        .iter()
        .map(|partition| partition.replicas.len())
        .max()
        .unwrap_or(0);
    if !shape.use_existing {
        let mut differences = settings_that_differ(client, name, shape).await?;
        let differs = |wanted: Option<usize>, found: usize| wanted.is_some_and(|wanted| wanted != found);
        if differs(
            shape.partitions.and_then(|count| usize::try_from(count).ok()),
            partitions,
        ) {
            differences.push(format!("it has {partitions} partitions"));
        }
        if differs(
            shape
                .replication_factor
                .and_then(|count| usize::try_from(count).ok()),
            replicas,
        ) {
            differences.push(format!("it has {replicas} replicas of each"));
        }
        if !differences.is_empty() {
            bail!(Failure::new(
                Failure::CONFLICT,
                format!(
                    "topic {name:?} is there with another shape: {}. Use another name, delete it, or say --use-existing",
                    differences.join("; ")
                )
            ));
        }
    }
    Ok(Topic {
        name: name.to_owned(),
        partitions,
    })
}

async fn settings_that_differ(client: &Client, name: &str, shape: &Shape) -> Result<Vec<String>> {
    if shape.configs.is_empty() {
        return Ok(Vec::new());
    }
    let found = client.configs().topic(name).await?;
    let value = |name: &str| {
        let entry = found.iter().find(|entry| entry.name == name);
        entry.and_then(|entry| entry.value.clone()).unwrap_or_default()
    };
    let differing = shape
        .configs
        .iter()
        .filter(|wanted| value(&wanted.name) != wanted.value);
    Ok(differing
        .map(|wanted| format!("its {} is {:?}", wanted.name, value(&wanted.name)))
        .collect())
}
