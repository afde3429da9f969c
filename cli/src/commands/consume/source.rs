//! Where the records come from: partitions read alone, or as a member of a group.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use tidemill_client::{
    Client, Consumer, GroupConsumer, GroupEvent, GroupProtocol, Isolation, OffsetReset, Records, Start,
    TopicPartition,
};

use super::Options;

/// How long the last commit and leaving the group may take.
const LEAVING: Duration = Duration::from_secs(10);

/// Reading as a member of a group.
#[derive(Args, Debug)]
#[command(next_help_heading = "Group")]
pub(super) struct GroupArgs {
    /// Share the topics with the other members of this group, and go on where it left off; what was printed is
    /// committed. A place to begin counts for partitions without a committed offset
    #[arg(long = "group", short = 'g', value_name = "ID", conflicts_with = "partitions")]
    id: Option<String>,
    /// A fixed name in the group: who comes back under it in time gets its partitions back
    #[arg(long, value_name = "NAME", requires = "id")]
    instance_id: Option<String>,
    /// How the group divides the partitions
    #[arg(long, value_enum, default_value = "classic", requires = "id")]
    group_protocol: Protocol,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    /// Its members do it
    Classic,
    /// The server does it (KIP-848)
    Consumer,
}

/// What is read from.
pub(super) enum Source {
    Alone(Consumer),
    Member {
        consumer: GroupConsumer,
        ends: Option<Ends>,
    },
}

/// The end of each partition when reading began.
type Ends = BTreeMap<(String, i32), i64>;

impl Source {
    pub(super) async fn open(client: &Client, options: &Options) -> Result<Self> {
        let isolation = match options.extent.read_committed {
            true => Isolation::ReadCommitted,
            false => Isolation::ReadUncommitted,
        };
        match &options.group.id {
            Some(id) => member(client, options, id, isolation).await,
            None => alone(client, options, isolation).await,
        }
    }

    /// As [`Consumer::next_batch`]. Cancellation safe.
    pub(super) async fn next(&mut self, most: usize, wait: Duration) -> Result<Records> {
        Ok(match self {
            Self::Alone(consumer) => consumer.next_batch(most, wait).await?,
            Self::Member { consumer, .. } => consumer.next_batch(most, wait).await?,
        })
    }

    /// Whether all that was there at the beginning has been handed out, if that is where to stop.
    pub(super) fn finished(&self) -> bool {
        match self {
            Self::Alone(consumer) => consumer.finished(),
            Self::Member { ends: None, .. } => false,
            Self::Member {
                consumer,
                ends: Some(ends),
            } => {
                let positions = consumer.positions();
                !positions.is_empty()
                    && positions.iter().all(|at| {
                        let end = ends.get(&(at.topic.to_string(), at.partition)).copied();
                        at.offset >= end.unwrap_or(0)
                    })
            }
        }
    }

    pub(super) fn is_member(&self) -> bool {
        matches!(self, Self::Member { .. })
    }

    /// Whether there are partitions to read: a member has none until it has joined.
    pub(super) fn is_reading(&self) -> bool {
        match self {
            Self::Alone(_) => true,
            Self::Member { consumer, .. } => !consumer.assignment().is_empty(),
        }
    }

    /// What happened to the partitions since the last call, in words.
    pub(super) fn events(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        if let Self::Member { consumer, .. } = self {
            while let Some(event) = consumer.next_event() {
                told.extend(match event {
                    GroupEvent::Assigned(of) => Some(format!("assigned {}", names(&of))),
                    GroupEvent::Revoked(of) => Some(format!("gave up {}", names(&of))),
                    GroupEvent::Lost(of) => Some(format!("lost {}", names(&of))),
                    _ => None,
                });
            }
        }
        told
    }

    /// Leaves the group; what was handed out last is committed only if it was `printed`.
    pub(super) async fn close(self, printed: bool) -> Result<()> {
        match self {
            Self::Alone(consumer) => consumer.close().await,
            Self::Member { consumer, .. } if printed => consumer.close(LEAVING).await?,
            Self::Member { consumer, .. } => consumer.abandon(LEAVING).await?,
        }
        Ok(())
    }
}

async fn alone(client: &Client, options: &Options, isolation: Isolation) -> Result<Source> {
    let start = options.start();
    let reset = match start {
        Start::Offset(_) => OffsetReset::Error,
        _ => OffsetReset::Earliest,
    };
    let mut builder = client
        .consumer()
        .start(start)
        .offset_reset(reset)
        .isolation(isolation)
        .stop_at_end(options.extent.until_end);
    for topic in &options.topics {
        if options.extent.partitions.is_empty() {
            builder = builder.topic(topic);
        }
        for partition in &options.extent.partitions {
            builder = builder.partition(topic, *partition);
        }
    }
    Ok(Source::Alone(builder.build().await?))
}

async fn member(client: &Client, options: &Options, id: &str, isolation: Isolation) -> Result<Source> {
    let ends = match options.extent.until_end {
        true => Some(ends(client, &options.topics).await?),
        false => None,
    };
    let protocol = match options.group.group_protocol {
        Protocol::Classic => GroupProtocol::Classic,
        Protocol::Consumer => GroupProtocol::Consumer,
    };
    let mut builder = client
        .group(id)
        .start(options.start())
        .protocol(protocol)
        .isolation(isolation);
    if let Some(name) = &options.group.instance_id {
        builder = builder.instance_id(name);
    }
    for topic in &options.topics {
        builder = builder.topic(topic);
    }
    Ok(Source::Member {
        consumer: builder.build().await?,
        ends,
    })
}

async fn ends(client: &Client, topics: &[String]) -> Result<Ends> {
    let mut ends = Ends::new();
    for topic in topics {
        let found = client.topics().offsets(topic, Start::Latest).await?;
        ends.extend(
            found
                .iter()
                .map(|end| ((topic.clone(), end.partition), end.offset)),
        );
    }
    Ok(ends)
}

fn names(partitions: &[TopicPartition]) -> String {
    let names: Vec<String> = partitions
        .iter()
        .map(|of| format!("{}/{}", of.topic, of.partition))
        .collect();
    names.join(", ")
}
