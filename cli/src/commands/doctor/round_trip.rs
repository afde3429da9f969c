//! A record sent and read back, through a topic made for it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use tidemill_client::{Client, NewTopic, Record, Start};

use super::finding::Report;
use crate::output;

const CHECK: &str = "round trip";

/// Sends a record and reads it; the topic is deleted however it goes.
pub(super) async fn check(report: &mut Report, client: &Client, patience: Duration) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("tidemill-doctor-{:x}-{:x}", std::process::id(), since.as_nanos());
    if let Err(error) = client.topics().create(NewTopic::new(&name).partitions(1)).await {
        return report.fail_with(CHECK, error);
    }
    let outcome = there_and_back(client, &name, patience).await;
    let deleted = client.topics().delete(&name).await;
    match outcome {
        Ok((acknowledged, read)) => report.ok(
            CHECK,
            format!(
                "a record was acknowledged after {} and read after {}",
                output::duration(acknowledged),
                output::duration(read)
            ),
        ),
        Err(error) => {
            let mend = "see the server's log, and the checks above";
            report.fail(CHECK, format!("{error:#}"), mend);
        }
    }
    if let Err(error) = deleted {
        report.warn(
            CHECK,
            error.to_string(),
            format!("delete it with `tidemill topic delete {name}`"),
        );
    }
}

/// How long until a record was acknowledged, and until it was read.
async fn there_and_back(client: &Client, topic: &str, patience: Duration) -> Result<(Duration, Duration)> {
    let value = format!("written by `tidemill doctor` to {topic}");
    let producer = client.producer().delivery_timeout(patience).build().await?;
    let mut consumer = client
        .consumer()
        .topic(topic)
        .start(Start::Earliest)
        .build()
        .await?;
    let begun = Instant::now();
    let stored = producer.send(Record::to(topic).value(value.as_bytes())).await?;
    let acknowledged = begun.elapsed();
    let records = consumer.next_batch(1, patience).await?;
    let read = begun.elapsed();
    let record = records.iter().next().with_context(|| {
        format!(
            "the record was stored at offset {}, but could not be read within {patience:?}",
            stored.offset
        )
    })??;
    ensure!(
        record.value == Some(value.as_bytes()) && record.offset == stored.offset,
        "the record read at offset {} is not the one stored at offset {}",
        record.offset,
        stored.offset
    );
    producer.close(patience).await?;
    Ok((acknowledged, read))
}
