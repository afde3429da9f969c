//! `tidemill bench consume`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use tidemill_client::{Client, Consumer, OffsetReset, Start};

use super::check::{Check, Extent};
use super::clock;
use super::figures::Throughput;
use super::progress;
use crate::args::{Connection, Span};
use crate::error::Failure;
use crate::output::{self, Output};

/// Records taken at a time.
const BATCH: usize = 50_000;
/// Between two looks at how it goes while nothing comes.
const LOOK: Duration = Duration::from_millis(200);

/// What to read.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Topic that `bench produce` wrote to
    topic: String,
    /// Begin at the end, and read until the run that comes has ended; start it before `bench produce`
    #[arg(long, short = 'f')]
    follow: bool,
    /// With --follow: begin at the first record there is, and miss none
    #[arg(long, requires = "follow")]
    from_beginning: bool,
    /// Stop after so many records (whole batches are read); fewer are an error
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,
    /// Check this run alone, as `bench produce` names it
    #[arg(long, value_name = "ID", value_parser = parse_run)]
    run: Option<u64>,
    /// Give up when nothing comes for this long; with --follow only after the first record
    #[arg(long, default_value = "30s", value_name = "SPAN")]
    timeout: Span,
}

fn parse_run(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|_| format!("`{text}` is no run; `bench produce` prints it"))
}

impl Options {
    fn extent(&self) -> Extent {
        match self.records {
            _ if self.joins() => Extent::Middle,
            Some(_) => Extent::Beginning,
            None => Extent::Whole,
        }
    }

    /// Whether it begins wherever the end is.
    fn joins(&self) -> bool {
        self.follow && !self.from_beginning
    }
}

/// What has been read.
struct Reading {
    check: Check,
    begun: Instant,
    cpu_before: f64,
    throughput: Throughput,
}

pub(super) async fn run(options: Options, connection: &Connection, output: &Output) -> Result<()> {
    let client = connection.open().await?;
    let partitions = client.topics().describe(&options.topic).await?.partitions.len();
    let mut reading = Reading {
        check: Check::new(partitions, options.extent(), options.run),
        begun: Instant::now(),
        cpu_before: clock::cpu_seconds(),
        throughput: Throughput {
            records: 0,
            bytes: 0,
            seconds: 0.0,
            cpu_seconds: 0.0,
        },
    };
    let mut consumer = open(&options, &client).await?;
    let bar = progress::start(options.records, connection.is_quiet());
    reading.read(&mut consumer, &options, &bar).await?;
    bar.finish_and_clear();
    see_complete(&options, &reading.check)?;
    show(&options, partitions, &reading, output)
}

async fn open(options: &Options, client: &Client) -> Result<Consumer> {
    let consumer = client
        .consumer()
        .topic(options.topic.as_str())
        .start(if options.joins() {
            Start::Latest
        } else {
            Start::Earliest
        })
        .stop_at_end(!options.follow)
        // Records that go away while they are read must not be skipped in silence.
        .offset_reset(OffsetReset::Error);
    Ok(consumer.build().await?)
}

impl Reading {
    async fn read(&mut self, consumer: &mut Consumer, options: &Options, bar: &ProgressBar) -> Result<()> {
        let mut last = Instant::now();
        while !self.is_done(consumer, options) {
            let records = consumer.next_batch(BATCH, LOOK).await?;
            if records.is_empty() {
                let waits_for_first = options.follow && self.check.records == 0;
                if !waits_for_first && last.elapsed() >= options.timeout.0 && !consumer.finished() {
                    bail!(Failure::new(Failure::TIMEOUT, stalled(options, &self.check)));
                }
                continue;
            }
            if options.follow && self.check.records == 0 {
                (self.begun, self.cpu_before) = (Instant::now(), clock::cpu_seconds());
            }
            self.check.take(&records, |_| ())?;
            last = Instant::now();
            bar.set_position(self.check.records);
        }
        self.throughput = Throughput {
            records: self.check.records,
            bytes: self.check.bytes,
            seconds: last.duration_since(self.begun).as_secs_f64(),
            cpu_seconds: clock::cpu_seconds() - self.cpu_before,
        };
        Ok(())
    }

    fn is_done(&self, consumer: &Consumer, options: &Options) -> bool {
        consumer.finished()
            || options.records.is_some_and(|wanted| self.check.records >= wanted)
            || (options.follow
                && options.records.is_none()
                && self.check.records > 0
                && self.check.all_ended())
    }
}

fn stalled(options: &Options, check: &Check) -> String {
    format!(
        "topic {:?}: nothing came for {} after {} records, so there is no figure. Is `bench produce` still sending? \
         Wait longer with --timeout",
        options.topic,
        output::duration(options.timeout.0),
        output::count(check.records)
    )
}

fn see_complete(options: &Options, check: &Check) -> Result<()> {
    check.verdict()?;
    if check.records == 0 {
        let which = match options.run {
            Some(run) => format!("of run {run:016x}"),
            None => "of `bench produce`".to_owned(),
        };
        let message = format!(
            "topic {:?} holds no records {which}. Send some with `tidemill bench produce {}`",
            options.topic, options.topic
        );
        bail!(Failure::new(Failure::NOT_FOUND, message));
    }
    if let Some(wanted) = options.records.filter(|wanted| check.records < *wanted) {
        let message = format!(
            "topic {:?} holds {} of the {wanted} records wanted, so there is no figure",
            options.topic, check.records
        );
        bail!(Failure::new(Failure::DAMAGED, message));
    }
    Ok(())
}

fn show(options: &Options, partitions: usize, reading: &Reading, output: &Output) -> Result<()> {
    let runs: Vec<String> = reading.check.runs().map(|run| format!("{run:016x}")).collect();
    let mut figures = json!({
        "benchmark": "consume",
        "verified": true,
        "runs": runs,
        "topic": options.topic,
        "partitions": partitions,
    });
    reading.throughput.add_to(&mut figures);
    output.one(&figures, |_| {
        format!(
            "{} records in {}; none lost, none twice, all in order\n  {}",
            output::count(reading.throughput.records),
            output::duration(Duration::from_secs_f64(reading.throughput.seconds)),
            reading.throughput.text(),
        )
    })
}
