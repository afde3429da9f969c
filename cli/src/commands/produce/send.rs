//! Sends what was read, and sees each record acknowledged.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use tidemill_client::{Delivery, Header, Producer, Record};

use super::input::{Chunk, Draft};
use super::{Options, input, progress};
use crate::error::Failure;
use crate::output;

/// Deliveries looked after at once.
const IN_FLIGHT: usize = 50_000;

/// What has been sent so far.
struct Sending<'a> {
    options: &'a Options,
    producer: &'a Producer,
    waiting: VecDeque<Delivery>,
    bar: ProgressBar,
    began: Instant,
    enqueued: u64,
    acknowledged: u64,
    bytes: u64,
}

/// Sends the whole input. On Ctrl-C what was read before is still seen through.
pub(super) async fn all(options: &Options, producer: &Producer) -> Result<()> {
    let mut sending = Sending {
        options,
        producer,
        waiting: VecDeque::new(),
        bar: progress::start(input::size(options), options.connection.is_quiet()),
        began: Instant::now(),
        enqueued: 0,
        acknowledged: 0,
        bytes: 0,
    };
    let mut chunks = input::start(options);
    let mut outcome = Ok(());
    loop {
        let step = tokio::select! {
            chunk = chunks.recv() => match chunk {
                None => break,
                Some(Ok(chunk)) => sending.send(chunk).await,
                Some(Err(error)) => Err(error),
            },
            // Records that fail while the next line is awaited are told at once.
            settled = sending.settle_first() => settled,
            _ = tokio::signal::ctrl_c() => Err(Failure::silent(Failure::INTERRUPTED).into()),
        };
        if step.is_err() {
            outcome = step;
            break;
        }
    }
    let settled = sending.settle_all().await;
    sending.finish();
    // The first failure is the cause.
    outcome.and(settled)
}

impl Sending<'_> {
    async fn send(&mut self, chunk: Chunk) -> Result<()> {
        for draft in &chunk.drafts {
            self.keep_pace().await;
            let delivery = self.enqueue(draft).await?;
            self.waiting.push_back(delivery);
            self.enqueued += 1;
            if self.waiting.len() > IN_FLIGHT {
                self.settle_first().await?;
            }
        }
        self.settle_ready()?;
        self.bytes += chunk.bytes;
        self.bar.inc(chunk.bytes);
        self.bar
            .set_message(format!("{} records", output::count(self.acknowledged)));
        Ok(())
    }

    async fn enqueue(&self, draft: &Draft) -> Result<Delivery> {
        let headers: Vec<Header<'_>> = draft
            .headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: value.as_deref(),
            })
            .collect();
        let record = Record {
            topic: &self.options.topic,
            partition: draft.partition,
            key: draft.key.as_deref(),
            value: draft.value.as_deref(),
            headers: &headers,
            timestamp: draft.timestamp,
        };
        let place = || format!("record {} of the input", self.enqueued + 1);
        self.producer.enqueue(record).await.with_context(place)
    }

    /// Waits until the next record is due.
    async fn keep_pace(&self) {
        if let Some(rate) = self.options.rate {
            let due = self.began + Duration::from_secs_f64(self.enqueued as f64 / f64::from(rate));
            if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
            }
        }
    }

    /// Waits for the oldest record. Never returns when none is waiting.
    async fn settle_first(&mut self) -> Result<()> {
        let Some(first) = self.waiting.front_mut() else {
            return std::future::pending().await;
        };
        let outcome = first.await;
        self.waiting.pop_front();
        self.acknowledged += u64::from(outcome.is_ok());
        outcome.map(drop).map_err(Into::into)
    }

    fn settle_ready(&mut self) -> Result<()> {
        while let Some(outcome) = self.waiting.front().and_then(Delivery::try_get) {
            self.waiting.pop_front();
            self.acknowledged += u64::from(outcome.is_ok());
            outcome?;
        }
        Ok(())
    }

    /// Waits for all that is on its way; answers the first failure, after all are known.
    async fn settle_all(&mut self) -> Result<()> {
        let patience = self.options.delivery.timeout.0 + Duration::from_secs(10);
        let mut first_failure = Ok(());
        let all = async {
            while !self.waiting.is_empty() {
                let outcome = self.settle_first().await;
                if first_failure.is_ok() {
                    first_failure = outcome;
                }
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            bail!(Failure::new(
                Failure::TIMEOUT,
                format!("some records were not acknowledged within {patience:?}")
            ));
        }
        first_failure
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
        let took = self.began.elapsed();
        let failed = self.enqueued - self.acknowledged;
        let mut text = format!(
            "{} records sent, {} in {}",
            output::count(self.acknowledged),
            output::bytes(self.bytes),
            output::duration(took)
        );
        if failed > 0 {
            text += &format!("; {} NOT acknowledged", output::count(failed));
        }
        self.options.connection.say(text);
    }
}
