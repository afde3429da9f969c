//! One partition as the sender sees it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::accumulator::PartitionQueue;
use super::builder::ProducerSettings;
use super::request::{Part, SendBatch};
use super::sequencer::Sequencer;
use crate::connection::Backoff;

/// A batch that is not full leaves after this long even while other requests to its broker are under way.
const MOST_NAGLE: Duration = Duration::from_millis(5);

pub(super) struct Lane {
    pub(super) queue: Arc<PartitionQueue>,
    pub(super) sequencer: Sequencer<SendBatch>,
    pub(super) backoff: Backoff,
    /// After a failure: when to try again.
    pub(super) rest_until: Option<Instant>,
    /// Since when the cluster says there is no such topic or partition.
    pub(super) missing_since: Option<Instant>,
}

/// What a lane may do now.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// No request to the leader is under way.
    pub(super) idle: bool,
    /// A flush is waiting: do not linger.
    pub(super) hurry: bool,
}

impl Lane {
    pub(super) fn new(queue: Arc<PartitionQueue>, settings: &ProducerSettings) -> Self {
        Self {
            queue,
            sequencer: Sequencer::new(settings.idempotent, settings.most_in_flight),
            backoff: Backoff::for_brokers(),
            rest_until: None,
            missing_since: None,
        }
    }

    /// Whether anything waits to be sent or answered.
    pub(super) fn has_work(&self) -> bool {
        let (full, open) = self.queue.waiting();
        full || open.is_some() || !self.sequencer.is_empty()
    }

    pub(super) fn resting(&self, now: Instant) -> bool {
        self.rest_until.is_some_and(|until| now < until)
    }

    pub(super) fn rest(&mut self, now: Instant) {
        self.rest_until = Some(now + self.backoff.next_delay());
    }

    pub(super) fn recovered(&mut self) {
        self.rest_until = None;
        self.missing_since = None;
        self.backoff.reset();
    }

    /// The next batch that may leave now, and whether it has left before.
    pub(super) fn next_part(&mut self, moment: Moment, settings: &ProducerSettings) -> Option<(Part, bool)> {
        if self.sequencer.has_room() {
            let alone = self.sequencer.is_empty();
            let ripe = |opened: Instant| {
                let age = moment.now.saturating_duration_since(opened);
                let lingered = moment.hurry || age >= settings.linger;
                alone && lingered && (moment.idle || age >= MOST_NAGLE)
            };
            if let Some(batch) = self.queue.take(ripe) {
                let batch = SendBatch::new(batch);
                let (number, records) = (batch.completion.number, batch.records);
                self.sequencer.push(number, batch, records);
            }
        }
        let (number, batch, stamp) = self.sequencer.next_to_send()?;
        let bytes = batch.bytes(stamp);
        batch.attempts += 1;
        let part = Part {
            topic: self.queue.topic.clone(),
            partition: self.queue.partition,
            number,
            bytes,
        };
        Some((part, batch.attempts > 1))
    }

    /// Takes out what has waited longer than the delivery timeout.
    pub(super) fn expire(&mut self, now: Instant, timeout: Duration) -> Vec<SendBatch> {
        let old = |opened: Instant| now.saturating_duration_since(opened) >= timeout;
        let mut gone = self.sequencer.expire(|batch| old(batch.opened));
        while let Some(batch) = self.queue.take_if(old) {
            gone.push(SendBatch::new(batch));
        }
        gone
    }

    /// Gives up on everything.
    pub(super) fn clear(&mut self) -> Vec<SendBatch> {
        let mut gone = self.sequencer.clear();
        while let Some(batch) = self.queue.take_if(|_| true) {
            gone.push(SendBatch::new(batch));
        }
        gone
    }

    /// When the sender should look at this lane again if nothing else happens.
    pub(super) fn next_look(&self, now: Instant, settings: &ProducerSettings) -> Option<Instant> {
        let (full, open) = self.queue.waiting();
        let oldest = self.sequencer.oldest().map(|batch| batch.opened).or(open);
        let expiry = oldest.map(|opened| opened + settings.delivery_timeout);
        let rest = self
            .rest_until
            .filter(|until| *until > now && (full || oldest.is_some()));
        let ripe = open
            .filter(|_| self.sequencer.is_empty())
            .map(|opened| opened + settings.linger.max(MOST_NAGLE))
            .filter(|at| *at > now);
        let lingered = open.map(|opened| opened + settings.linger).filter(|at| *at > now);
        [expiry, rest, ripe, lingered].into_iter().flatten().min()
    }
}
