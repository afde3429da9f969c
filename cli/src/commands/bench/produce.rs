//! `tidemill bench produce`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tidemill_client::{Client, Start};

use super::clock::Clock;
use super::load::{Amount, Load, Sending, Sent};
use super::topic::{Shape, Topic};
use super::{progress, topic};
use crate::args::{Connection, Rate, Span};
use crate::error::Failure;
use crate::output::{self, Output};

/// Records sent when neither their number nor a time is given.
const RECORDS: u64 = 1_000_000;
/// How long the log may take to show what was acknowledged: with `--acks none` that is not known when sending ends.
const SETTLING: Duration = Duration::from_secs(10);

/// What to send.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Topic to write to; created if it is not there
    topic: String,
    /// Send so many records; 1,000,000 unless --duration is given
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,
    /// Send for so long
    #[arg(long, short = 'd', value_name = "SPAN")]
    duration: Option<Span>,
    /// Send so many records a second at an even pace, not as fast as it goes
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    shape: Shape,
}

impl Options {
    fn amount(&self) -> Amount {
        let duration = self.duration.map(|Span(span)| span);
        Amount {
            records: self.records.or(duration.is_none().then_some(RECORDS)),
            duration,
            rate: self.rate,
            warm_up: Duration::ZERO,
        }
    }
}

pub(super) async fn run(options: Options, connection: &Connection, output: &Output) -> Result<()> {
    let client = connection.open().await?;
    let topic = topic::ensure(&client, &options.topic, &options.shape).await?;
    let before = stored(&client, &topic).await?;
    let amount = options.amount();
    let run = super::new_run();
    let sending = Sending {
        client: &client,
        topic: &topic,
        load: &options.load,
        bar: progress::start(amount.records, connection.is_quiet()),
        amount,
        run,
        clock: Clock::start(),
    };
    let sent = sending.send(sending.begin_ns()).await?;
    see_stored(&client, &topic, before, &sent).await?;
    show(&options, &topic, run, &sent, output)
}

/// Records ever stored in the topic.
async fn stored(client: &Client, topic: &Topic) -> Result<i64> {
    let ends = client.topics().offsets(&topic.name, Start::Latest).await?;
    Ok(ends.iter().map(|end| end.offset).sum())
}

/// Fails unless the topic has grown by exactly what was sent.
async fn see_stored(client: &Client, topic: &Topic, before: i64, sent: &Sent) -> Result<()> {
    let wanted = i64::try_from(sent.throughput.records + sent.ends)?;
    let until = Instant::now() + SETTLING;
    loop {
        let grown = stored(client, topic).await? - before;
        if grown == wanted {
            return Ok(());
        }
        let what = match wanted - grown {
            lost if lost > 0 && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            lost if lost > 0 => format!("{lost} of {wanted} records are not stored"),
            extra => format!(
                "{} records more than the {wanted} sent are stored: something else writes to the topic, or retries \
                 stored records twice (--acks all never does)",
                -extra
            ),
        };
        let message = format!("topic {:?}: {what}; so there is no figure", topic.name);
        bail!(Failure::new(Failure::DAMAGED, message));
    }
}

fn show(options: &Options, topic: &Topic, run: u64, sent: &Sent, output: &Output) -> Result<()> {
    let mut figures = json!({
        "benchmark": "produce",
        "verified": true,
        "run": format!("{run:016x}"),
        "topic": topic.name,
        "partitions": topic.partitions,
        "producers": options.load.producers,
        "recordSize": options.load.record_size,
        "rate": options.rate.map(|rate| rate.0),
        "settings": options.load.delivery.settings(),
    });
    sent.throughput.add_to(&mut figures);
    figures["acknowledgedMs"] = sent.acknowledged.json();
    figures["sendDelayMs"] = sent.delay.json();
    figures["requests"] = json!(sent.requests);
    figures["batches"] = json!(sent.batches);
    figures["batchesRetried"] = json!(sent.batches_retried);
    figures["bytesSent"] = json!(sent.bytes_sent);
    output.one(&figures, |_| {
        format!(
            "{} records of {} bytes in {}, each acknowledged and stored once\n  {}\n  acknowledged after  {}\n\
             run {run:016x}; read it back and check it with `tidemill bench consume {}`",
            output::count(sent.throughput.records),
            options.load.record_size,
            output::duration(Duration::from_secs_f64(sent.throughput.seconds)),
            sent.throughput.text(),
            sent.acknowledged.text(),
            topic.name,
        )
    })
}
