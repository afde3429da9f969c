//! Records of a topic to try modules on: those that are there now.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tidemill_client::{OffsetReset, Records, Start};
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use super::samples::Part;
use crate::args::{Connection, PositionArgs};
use crate::error::Failure;

/// Records of one batch at most.
const BATCH: usize = 1000;
/// How long the next records may take. The server has them, so it is not a question of waiting for a producer.
const WAIT: Duration = Duration::from_secs(10);

/// Which records of a topic.
#[derive(Args, Debug)]
pub(super) struct Stored {
    /// Records of this topic: from its beginning, unless a place is given, and no further than its end now
    #[arg(long, value_name = "TOPIC")]
    pub(super) topic: Option<String>,
    /// Only this partition of the topic
    #[arg(long, short = 'p', value_name = "N", requires = "topic", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// Most records of the topic
    #[arg(
        long,
        short = 'n',
        value_name = "N",
        requires = "topic",
        default_value_t = 10_000
    )]
    count: usize,
    #[command(flatten)]
    position: PositionArgs,
    #[command(flatten)]
    connection: Connection,
}

impl Stored {
    /// The records, as batches of one partition each; none where no topic was named.
    pub(super) fn parts(&self) -> Result<Vec<Part>> {
        let Some(topic) = &self.topic else {
            if self.position.given().is_some() {
                return Err(
                    Failure::usage("a place to begin is one in a topic: name it with --topic").into(),
                );
            }
            return Ok(Vec::new());
        };
        crate::commands::run(self.read(topic))
    }

    async fn read(&self, topic: &str) -> Result<Vec<Part>> {
        let client = self.connection.open().await?;
        let start = self.position.given().unwrap_or(Start::Earliest);
        let reset = match start {
            Start::Offset(_) => OffsetReset::Error,
            _ => OffsetReset::Earliest,
        };
        let builder = client
            .consumer()
            .start(start)
            .offset_reset(reset)
            .stop_at_end(true);
        let mut consumer = match self.partition {
            Some(partition) => builder.partition(topic, partition),
            None => builder.topic(topic),
        }
        .build()
        .await?;
        let mut parts = Vec::new();
        let mut left = self.count;
        while left > 0 && !consumer.finished() {
            let records = consumer.next_batch(left.min(BATCH), WAIT).await?;
            if let Some((part, count)) = part(&records)? {
                parts.push(part);
                left = left.saturating_sub(count);
            }
        }
        consumer.close().await;
        Ok(parts)
    }
}

/// Records as one batch, at the offsets that they have; and how many.
fn part(records: &Records) -> Result<Option<(Part, usize)>> {
    let mut builder = BatchBuilder::new(Compression::None);
    let mut base = None;
    let mut count = 0;
    for record in records.iter() {
        let record = record?;
        let base = *base.get_or_insert_with(|| {
            builder = BatchBuilder::new(Compression::None).with_place(record.offset, 0);
            record.offset
        });
        let headers: Vec<(&[u8], Option<&[u8]>)> = record.headers.iter().collect();
        let delta =
            i32::try_from(record.offset - base).context("the offsets of a batch are too far apart")?;
        builder.append_at(
            delta,
            &RecordData {
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                headers: &headers,
            },
        );
        count += 1;
    }
    if base.is_none() {
        return Ok(None);
    }
    let batch = Batch::parse(&mut builder.build().clone()).context("the records make no batch")?;
    let partition = records.partition();
    Ok(Some((Part { partition, batch }, count)))
}
