//! `tidemill bench latency`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use tidemill_client::{Client, Consumer, OffsetReset, Start};

use super::check::{Check, Extent};
use super::clock::Clock;
use super::figures::Latency;
use super::load::{Amount, Load, Sending, Sent};
use super::topic::{Shape, Topic};
use super::{progress, topic};
use crate::args::{Connection, Rate, Span};
use crate::error::Failure;
use crate::output::{self, Output};

const BATCH: usize = 10_000;
/// Between two looks at whether to give up while nothing comes.
const LOOK: Duration = Duration::from_millis(200);
/// How long records may take once all are acknowledged.
const PATIENCE: Duration = Duration::from_secs(30);

const READING_FAILED: &str = "the reading task failed";

/// What to send and read.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Topic to use; one of its own, deleted afterwards, by default
    topic: Option<String>,
    /// Records a second, at an even pace
    #[arg(long, default_value = "1000/s", value_name = "RATE")]
    rate: Rate,
    /// For how long, after the warm-up
    #[arg(long, short = 'd', default_value = "10s", value_name = "SPAN")]
    duration: Span,
    /// Send for so long before it counts
    #[arg(long, default_value = "2s", value_name = "SPAN")]
    warm_up: Span,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    shape: Shape,
}

/// What the reading side saw.
struct Seen {
    check: Check,
    latency: Latency,
}

pub(super) async fn run(options: Options, connection: &Connection, output: &Output) -> Result<()> {
    let client = connection.open().await?;
    let run = super::new_run();
    let name = options
        .topic
        .clone()
        .unwrap_or_else(|| format!("tidemill-bench-{run:016x}"));
    let topic = topic::ensure(&client, &name, &options.shape).await?;
    let measured = super::until_interrupted(measure(&options, &client, &topic, run, connection)).await;
    if options.topic.is_none() {
        let deleted = client.topics().delete(&name).await;
        // Why it could not be measured matters more.
        if measured.is_ok() {
            deleted?;
        }
    }
    let (sent, seen) = measured?;
    show(&options, &topic, &sent, &seen, output)
}

async fn measure(
    options: &Options,
    client: &Client,
    topic: &Topic,
    run: u64,
    connection: &Connection,
) -> Result<(Sent, Seen)> {
    // Reading begins at the end, and so with the first record of this run.
    let consumer = client
        .consumer()
        .topic(topic.name.as_str())
        .start(Start::Latest)
        .offset_reset(OffsetReset::Error)
        .build()
        .await?;
    let span = options.warm_up.0 + options.duration.0;
    let amount = Amount {
        records: None,
        duration: Some(span),
        rate: Some(options.rate),
        warm_up: options.warm_up.0,
    };
    let sending = Sending {
        client,
        topic,
        load: &options.load,
        bar: progress::start(
            Some((options.rate.0 * span.as_secs_f64()) as u64),
            connection.is_quiet(),
        ),
        amount,
        run,
        clock: Clock::start(),
    };
    let begin_ns = sending.begin_ns();
    let all_sent = Arc::new(AtomicBool::new(false));
    let check = Check::new(topic.partitions, Extent::Whole, Some(run));
    let reading = Reading {
        consumer,
        clock: sending.clock,
        from_ns: sending.counts_from_ns(begin_ns),
        all_sent: Arc::clone(&all_sent),
    };
    let mut reading = tokio::spawn(reading.read(check));
    let mut seen = None;
    let sending = sending.send(begin_ns);
    tokio::pin!(sending);
    let sent = loop {
        tokio::select! {
            sent = &mut sending => break sent,
            // The last record may be read before the sending side has heard that it is stored.
            read = &mut reading, if seen.is_none() => seen = Some(read.context(READING_FAILED)??),
        }
    };
    let sent = match sent {
        Ok(sent) => sent,
        Err(error) => {
            reading.abort();
            return Err(error);
        }
    };
    all_sent.store(true, Ordering::Release);
    let seen = match seen {
        Some(seen) => seen,
        None => reading.await.context(READING_FAILED)??,
    };
    see_complete(&sent, &seen.check)?;
    Ok((sent, seen))
}

/// The reading side.
struct Reading {
    consumer: Consumer,
    clock: Clock,
    /// Records sent before this have no part in the latency.
    from_ns: u64,
    all_sent: Arc<AtomicBool>,
}

impl Reading {
    /// Reads until every producer has said its last word; gives up when they have and nothing comes any more.
    async fn read(mut self, mut check: Check) -> Result<Seen> {
        let mut latency = Latency::new();
        let mut last = Instant::now();
        while !check.all_ended() {
            let records = self.consumer.next_batch(BATCH, LOOK).await?;
            if !records.is_empty() {
                let now = self.clock.now_ns();
                check.take(&records, |sent_ns| {
                    if sent_ns >= self.from_ns {
                        latency.record(now.saturating_sub(sent_ns));
                    }
                })?;
                last = Instant::now();
            } else if !self.all_sent.load(Ordering::Acquire) {
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                break;
            }
        }
        Ok(Seen { check, latency })
    }
}

/// Fails unless what was read is what was sent.
fn see_complete(sent: &Sent, check: &Check) -> Result<()> {
    check.verdict()?;
    if check.records != sent.throughput.records {
        let message = format!(
            "{} records were sent and {} came, so there is no figure",
            sent.throughput.records, check.records
        );
        bail!(Failure::new(Failure::DAMAGED, message));
    }
    if sent.throughput.records == 0 {
        bail!(Failure::usage("no record was due: raise --rate or --duration"));
    }
    Ok(())
}

fn show(options: &Options, topic: &Topic, sent: &Sent, seen: &Seen, output: &Output) -> Result<()> {
    let mut figures = json!({
        "benchmark": "latency",
        "verified": true,
        "topic": topic.name,
        "partitions": topic.partitions,
        "producers": options.load.producers,
        "recordSize": options.load.record_size,
        "rate": options.rate.0,
        "warmUpSeconds": options.warm_up.0.as_secs_f64(),
        "settings": options.load.delivery.settings(),
    });
    sent.throughput.add_to(&mut figures);
    figures["produceToConsumeMs"] = seen.latency.json();
    figures["acknowledgedMs"] = sent.acknowledged.json();
    figures["sendDelayMs"] = sent.delay.json();
    output.one(&figures, |_| {
        format!(
            "{} records of {} bytes at {} a second; none lost, none twice, all in order\n  \
             produce to consume  {}\n  acknowledged after  {}\n  sent late by        {}\n\
             All latencies count from when a record was due; {} of them count, those of the warm-up do not.",
            output::count(sent.throughput.records),
            options.load.record_size,
            options.rate.0,
            seen.latency.text(),
            sent.acknowledged.text(),
            sent.delay.text(),
            output::count(seen.latency.samples()),
        )
    })
}
