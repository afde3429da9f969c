//! Sends what was read, and sees each record acknowledged.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use tidemill_client::{Delivery, Header, Producer, Record};
use tokio::time::Instant;

use super::input::{Chunk, Draft};
use super::pace::Pace;
use super::{Options, input, progress};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output;

/// Deliveries looked after at once.
const IN_FLIGHT: usize = 50_000;

/// What has been sent so far.
struct Sending<'a> {
    options: &'a Options,
    producer: &'a Producer,
    interrupt: &'a Interrupt,
    waiting: VecDeque<Delivery>,
    pace: Option<Pace>,
    bar: ProgressBar,
    began: Instant,
    enqueued: u64,
    /// Records whose outcome is known, in the order of the input.
    settled: u64,
    failed: u64,
    bytes: u64,
}

/// Sends the whole input. After a failure, or Ctrl-C, what was sent before is still seen through.
pub(super) async fn all(options: &Options, producer: &Producer, interrupt: &Interrupt) -> Result<()> {
    let began = Instant::now();
    let mut sending = Sending {
        options,
        producer,
        interrupt,
        waiting: VecDeque::new(),
        pace: options.rate.map(|rate| Pace::new(rate, began)),
        bar: progress::start(input::size(options), options.connection.is_quiet()),
        began,
        enqueued: 0,
        settled: 0,
        failed: 0,
        bytes: 0,
    };
    let outcome = sending.input().await;
    let settled = sending.settle_all().await;
    if sending.enqueued > 0 || outcome.is_ok() {
        sending.finish();
    }
    // The first failure is the cause.
    outcome.and(settled)
}

impl Sending<'_> {
    async fn input(&mut self) -> Result<()> {
        let mut chunks = input::start(self.options);
        let interrupt = self.interrupt;
        loop {
            tokio::select! {
                chunk = chunks.recv() => match chunk {
                    None => return Ok(()),
                    Some(chunk) => self.send(&chunk?).await?,
                },
                // Records that fail while the next line is awaited are told at once.
                settled = self.settle_first() => settled?,
                code = interrupt.received() => bail!(Failure::silent(code)),
            }
        }
    }

    async fn send(&mut self, chunk: &Chunk) -> Result<()> {
        let mut told = 0;
        for draft in &chunk.drafts {
            if let Some(due) = self.pace.as_mut().and_then(|pace| pace.due(Instant::now())) {
                // Somebody may watch a slow stream.
                self.settle_ready()?;
                self.show(std::mem::take(&mut told));
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    code = self.interrupt.received() => bail!(Failure::silent(code)),
                }
            }
            let delivery = self.enqueue(draft).await?;
            self.waiting.push_back(delivery);
            self.enqueued += 1;
            told += draft.bytes;
            if self.waiting.len() > IN_FLIGHT {
                self.settle_first().await?;
            }
        }
        self.settle_ready()?;
        self.show(told);
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
        match self.producer.try_enqueue(&record) {
            Ok(Some(delivery)) => Ok(delivery),
            _ => self
                .producer
                .enqueue(record)
                .await
                .with_context(|| place(self.enqueued + 1)),
        }
    }

    /// Waits for the oldest record. Never returns when none is waiting.
    async fn settle_first(&mut self) -> Result<()> {
        let Some(first) = self.waiting.front_mut() else {
            return std::future::pending().await;
        };
        let outcome = first.await;
        self.waiting.pop_front();
        self.settle(outcome.map(drop))
    }

    fn settle_ready(&mut self) -> Result<()> {
        while let Some(outcome) = self.waiting.front().and_then(Delivery::try_get) {
            self.waiting.pop_front();
            self.settle(outcome.map(drop))?;
        }
        Ok(())
    }

    fn settle(&mut self, outcome: Result<(), tidemill_client::Error>) -> Result<()> {
        self.settled += 1;
        self.failed += u64::from(outcome.is_err());
        outcome.with_context(|| place(self.settled))
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
                format!(
                    "some records were not acknowledged within {}",
                    output::duration(patience)
                )
            ));
        }
        first_failure
    }

    fn show(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.bar.inc(bytes);
        if !self.bar.is_hidden() {
            self.bar
                .set_message(output::counted(self.settled - self.failed, "record"));
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
        let took = self.began.elapsed();
        let sent = self.settled - self.failed;
        let mut text = format!(
            "{} sent, {} in {}",
            output::counted(sent, "record"),
            output::bytes(self.bytes),
            output::duration(took)
        );
        if sent > 1 && took > Duration::from_millis(1) {
            text += &format!(
                " ({} records/s)",
                output::count((sent as f64 / took.as_secs_f64()) as u64)
            );
        }
        if self.enqueued > sent {
            text += &format!("; {} NOT acknowledged", output::count(self.enqueued - sent));
        }
        self.options.connection.say(text);
    }
}

fn place(number: u64) -> String {
    format!("record {} of the input", output::count(number))
}
