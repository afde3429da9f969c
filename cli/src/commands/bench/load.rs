//! Sending a load: starts the generators, watches them, and sees every record acknowledged.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use tidemill_client::{Client, Producer, ProducerStats};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::clock::{self, Clock};
use super::figures::{Latency, Throughput};
use super::generator::{Generated, Generator, Lanes, Signals, Task};
use super::pace::Schedule;
use super::payload::Payloads;
use super::settle::{Sample, acknowledgements};
use super::topic::Topic;
use crate::args::Rate;
use crate::commands::produce::Delivery;
use crate::error::Failure;

/// Between two looks at how it goes.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of letters that each producer has ready; at least a batch, so that none repeats within one.
const VARIETY: usize = 256 << 10;
/// Acknowledgements timed a second, about.
const SAMPLES_A_SECOND: f64 = 20_000.0;
/// One record in so many has its acknowledgement timed when there is no rate.
const FREE_STRIDE: u64 = 32;
/// Time for the generators to get going before the first record of a paced load is due.
const HEAD_START: Duration = Duration::from_millis(20);

/// How records are made and sent.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Load")]
pub(super) struct Load {
    /// Bytes of each record's value
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(48..))]
    pub(super) record_size: u32,
    /// Producers that send at the same time, each with connections of its own
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) producers: NonZeroU32,
    /// Batches under way at a time, for each partition and each broker: 1 to 5 [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub(super) in_flight: Option<u8>,
    #[command(flatten)]
    pub(super) delivery: Delivery,
}

/// How much is sent, and how fast.
pub(super) struct Amount {
    pub(super) records: Option<u64>,
    /// For how long, `warm_up` included.
    pub(super) duration: Option<Duration>,
    /// As fast as it goes, if there is none.
    pub(super) rate: Option<Rate>,
    /// What is sent in this time at the beginning has no part in latencies.
    pub(super) warm_up: Duration,
}

/// What was sent, all of it acknowledged.
pub(super) struct Sent {
    pub(super) throughput: Throughput,
    /// Records besides those that count: each producer's last word in each partition.
    pub(super) ends: u64,
    /// From when a record was due, or made, to its acknowledgement.
    pub(super) acknowledged: Latency,
    /// From when a record was due to when it was put in line.
    pub(super) delay: Latency,
    pub(super) requests: u64,
    pub(super) batches: u64,
    pub(super) batches_retried: u64,
    pub(super) bytes_sent: u64,
}

/// A load about to be sent.
pub(super) struct Sending<'a> {
    pub(super) client: &'a Client,
    pub(super) topic: &'a Topic,
    pub(super) load: &'a Load,
    pub(super) amount: Amount,
    pub(super) run: u64,
    pub(super) clock: Clock,
    pub(super) bar: ProgressBar,
}

impl Sending<'_> {
    /// The time from which latencies count, if the load is sent now.
    pub(super) fn counts_from_ns(&self, begin_ns: u64) -> u64 {
        begin_ns.saturating_add(nanoseconds(self.amount.warm_up))
    }

    /// When a load sent now begins.
    pub(super) fn begin_ns(&self) -> u64 {
        self.clock.now_ns() + nanoseconds(HEAD_START)
    }

    /// Sends everything from `begin_ns` on; answers when all of it is acknowledged.
    ///
    /// # Errors
    /// Not every record was.
    pub(super) async fn send(&self, begin_ns: u64) -> Result<Sent> {
        let producers = self.producers().await?;
        let signals = Arc::new(Signals::default());
        let (samples, sampled) = unbounded_channel();
        let from_ns = self.counts_from_ns(begin_ns);
        let settled = tokio::spawn(acknowledgements(
            sampled,
            self.clock,
            from_ns,
            Arc::clone(&signals),
        ));
        let cpu_before = clock::cpu_seconds();
        let started_ns = self.clock.now_ns();
        let mut generators = JoinSet::new();
        for (number, producer) in (0..).zip(&producers) {
            let generator = self.generator(number, begin_ns, producer, (&signals, &samples));
            generators.spawn_blocking(move || generator.run());
        }
        drop(samples);
        let generated = self.watch(generators, &producers, &signals).await;
        let patience = self.load.delivery.timeout();
        let mut flushed = Ok(());
        for producer in &producers {
            flushed = flushed.and(producer.flush(patience).await);
        }
        let throughput = Throughput {
            records: 0,
            bytes: 0,
            seconds: self.clock.now_ns().saturating_sub(started_ns) as f64 / 1e9,
            cpu_seconds: clock::cpu_seconds() - cpu_before,
        };
        // After a flush that ran out of time some may never settle.
        if generated.is_err() || flushed.is_err() {
            settled.abort();
        }
        let settled = settled.await;
        let generated = generated?;
        flushed?;
        let settled = settled.context("the task that times acknowledgements failed")?;
        if let Some(failure) = settled.failure {
            return Err(failure.into());
        }
        let stats: Vec<ProducerStats> = producers.iter().map(Producer::stats).collect();
        self.sum(&generated, &stats, throughput, settled.latency)
    }

    async fn producers(&self) -> Result<Vec<Producer>> {
        let mut producers = Vec::new();
        for _ in 0..self.load.producers.get() {
            let mut builder = self.load.delivery.builder(self.client)?;
            if let Some(count) = self.load.in_flight {
                builder = builder.max_in_flight(usize::from(count));
            }
            producers.push(builder.build().await?);
        }
        Ok(producers)
    }

    fn generator(
        &self,
        number: u32,
        begin_ns: u64,
        producer: &Producer,
        (signals, samples): (&Arc<Signals>, &UnboundedSender<Sample>),
    ) -> Generator {
        let amount = &self.amount;
        let producers = self.load.producers.get();
        let turn_bytes = self.load.delivery.batch_bytes();
        let size = usize::try_from(self.load.record_size).unwrap_or(usize::MAX);
        let records = amount
            .records
            .map_or(u64::MAX, |records| share(records, number, producers));
        let stride = match amount.rate {
            None => FREE_STRIDE,
            Some(rate) => (rate.0 / SAMPLES_A_SECOND).ceil() as u64,
        };
        let task = Task {
            topic: Arc::from(self.topic.name.as_str()),
            run: self.run,
            producer: number,
            producers,
            records,
            until_ns: amount
                .duration
                .map_or(u64::MAX, |span| begin_ns.saturating_add(nanoseconds(span))),
            schedule: amount
                .rate
                .map(|rate| Schedule::new(begin_ns, rate, number, producers)),
            turn_bytes,
            stride: stride.max(1),
        };
        Generator {
            task,
            producer: producer.clone(),
            payloads: Payloads::new(
                size,
                VARIETY.max(turn_bytes),
                self.run ^ (u64::from(number) << 32),
            ),
            lanes: Lanes::new(self.topic.partitions, number),
            clock: self.clock,
            signals: Arc::clone(signals),
            samples: samples.clone(),
            runtime: Handle::current(),
        }
    }

    /// Waits for the generators, and stops them all as soon as anything fails.
    async fn watch(
        &self,
        mut generators: JoinSet<tidemill_client::Result<Generated>>,
        producers: &[Producer],
        signals: &Signals,
    ) -> Result<Vec<Generated>> {
        let mut done = Vec::new();
        let mut outcome = Ok(());
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                joined = generators.join_next() => match joined {
                    None => break,
                    Some(joined) => match joined.context("a generator failed")? {
                        Ok(generated) => done.push(generated),
                        Err(error) => {
                            signals.stop.store(true, Ordering::Relaxed);
                            outcome = outcome.and(Err(error));
                        }
                    },
                },
                _ = look.tick() => {
                    self.bar.set_position(signals.sent.load(Ordering::Relaxed));
                    if producers.iter().any(|producer| producer.stats().records_failed > 0) {
                        signals.stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
        self.bar.finish_and_clear();
        outcome?;
        Ok(done)
    }

    /// Adds up; fails unless every record was acknowledged.
    fn sum(
        &self,
        generated: &[Generated],
        stats: &[ProducerStats],
        throughput: Throughput,
        acknowledged: Latency,
    ) -> Result<Sent> {
        let records: u64 = generated.iter().map(|one| one.records).sum();
        let ends: u64 = generated.iter().map(|one| one.ends).sum();
        let add = |count: fn(&ProducerStats) -> u64| stats.iter().map(count).sum::<u64>();
        let (stored, failed) = (
            add(|stats| stats.records_acked),
            add(|stats| stats.records_failed),
        );
        if failed > 0 || stored != records + ends {
            bail!(Failure::new(
                Failure::DAMAGED,
                format!(
                    "{} of {} records were not acknowledged, so there is no figure; see the server's log",
                    (records + ends).saturating_sub(stored).max(failed),
                    records + ends
                )
            ));
        }
        let mut delay = Latency::new();
        generated.iter().for_each(|one| delay.merge(&one.delay));
        let bytes = records * u64::from(self.load.record_size);
        Ok(Sent {
            throughput: Throughput {
                records,
                bytes,
                ..throughput
            },
            ends,
            acknowledged,
            delay,
            requests: add(|stats| stats.requests),
            batches: add(|stats| stats.batches_sent),
            batches_retried: add(|stats| stats.batches_retried),
            bytes_sent: add(|stats| stats.bytes_sent),
        })
    }
}

/// The part of one of several producers: the first ones take what does not divide.
fn share(records: u64, number: u32, producers: u32) -> u64 {
    let producers = u64::from(producers);
    records / producers + u64::from(u64::from(number) < records % producers)
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn producers_share_the_records_out() {
        let shares: Vec<u64> = (0..4).map(|number| share(10, number, 4)).collect();
        assert_eq!(shares, [3, 3, 2, 2]);
    }
}
