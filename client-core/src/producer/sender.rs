//! The task that puts batches on the wire and takes in what became of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustc_hash::FxHashMap;
use tidemill_wire::kafka::messages::{InitProducerIdRequest, ProduceRequest, ProduceResponse, ProducerId};
use tidemill_wire::kafka::protocol::Request;
use tokio::time::Instant;

use super::Producer;
use super::builder::{Acks, ProducerSettings};
use super::delivery::Stored;
use super::lane::{Lane, Moment};
use super::request::{self, Answer, Part};
use super::sequencer::{Attempt, Identity};
use super::shared::Shared;
use crate::cluster::Cluster;
use crate::connection::{Connection, Pool, decode};
use crate::error::{Error, ErrorKind, Result, is_stale_leader};

/// How long a topic may be gone before its records are given up: deleting and creating it again is no error.
const TOPIC_GRACE: Duration = Duration::from_secs(10);
/// How often the metadata is asked for when nothing is wrong.
const METADATA_AGE: Duration = Duration::from_secs(300);

/// Starts a producer's sender task.
pub(super) fn start(cluster: Arc<Cluster>, settings: ProducerSettings, buffer_memory: usize) -> Producer {
    let pool = Arc::new(cluster.settings().pool());
    let shared = Arc::new(Shared::new(cluster, settings, buffer_memory));
    let sender = Sender {
        shared: shared.clone(),
        pool,
        lanes: Vec::new(),
        links: FxHashMap::default(),
        events: FuturesUnordered::new(),
        identity: None,
        identifying: false,
        refreshing: false,
        refreshed: Instant::now(),
    };
    tokio::spawn(sender.run());
    Producer::new(shared)
}

type EventFuture = Pin<Box<dyn Future<Output = Event> + Send>>;

enum Event {
    Connected(i32, Result<Arc<Connection>>),
    Answered {
        broker: i32,
        parts: Vec<Part>,
        answer: Result<ProduceResponse>,
    },
    Identified(Result<Identity>),
    Refreshed(Result<()>),
}

#[derive(Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    connecting: bool,
    in_flight: usize,
}

struct Sender {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    lanes: Vec<Lane>,
    links: FxHashMap<i32, Link>,
    events: FuturesUnordered<EventFuture>,
    identity: Option<Identity>,
    identifying: bool,
    refreshing: bool,
    refreshed: Instant,
}

impl Sender {
    async fn run(mut self) {
        loop {
            let now = Instant::now();
            self.admit_newcomers();
            self.expire(now);
            self.send_ready(now);
            let phase = &self.shared.phase;
            if phase.stop_now.load(Ordering::Acquire)
                || (phase.stop_when_empty.load(Ordering::Acquire) && !self.shared.has_live())
            {
                break;
            }
            let look = self.next_look(now);
            let shared = self.shared.clone();
            tokio::select! {
                biased;
                Some(event) = self.events.next(), if !self.events.is_empty() => self.take_in(event),
                () = shared.wake.notified() => {}
                () = tokio::time::sleep_until(look) => {}
            }
            // Answers often come several at a time: take in all before sending again.
            while let Some(Some(event)) = futures_util::FutureExt::now_or_never(self.events.next()) {
                self.take_in(event);
            }
        }
        for lane in &mut self.lanes {
            for batch in lane.clear() {
                let error = Error::cancelled("the producer was closed before the record was acknowledged");
                self.shared.complete(&batch, Err(error));
            }
        }
        self.shared.end();
    }

    fn admit_newcomers(&mut self) {
        for queue in self.shared.newcomers() {
            let mut lane = Lane::new(queue, &self.shared.settings);
            if let Some(identity) = self.identity {
                lane.sequencer.identify(identity);
            }
            self.lanes.push(lane);
        }
    }

    fn next_look(&self, now: Instant) -> Instant {
        let settings = &self.shared.settings;
        let soonest = self
            .lanes
            .iter()
            .filter_map(|lane| lane.next_look(now, settings))
            .min();
        let refresh = self.refreshed + METADATA_AGE;
        // An idle wait never spins: at least a little time passes before the same look is taken again.
        soonest
            .map_or(refresh, |at| at.min(refresh))
            .max(now + Duration::from_micros(200))
    }

    fn expire(&mut self, now: Instant) {
        let timeout = self.shared.settings.delivery_timeout;
        for lane in &mut self.lanes {
            for batch in lane.expire(now, timeout) {
                let message = format!(
                    "{} records for {:?} partition {} were not acknowledged within {timeout:?} ({} attempts). \
                     Check the server, or raise the delivery timeout",
                    batch.records, lane.queue.topic, lane.queue.partition, batch.attempts
                );
                self.shared.complete(&batch, Err(Error::timeout(message)));
            }
        }
        if now >= self.refreshed + METADATA_AGE {
            self.refresh();
        }
    }

    /// Sends everything that may leave now.
    fn send_ready(&mut self, now: Instant) {
        if self
            .lanes
            .iter()
            .any(|lane| lane.sequencer.wants_identity() && lane.has_work())
        {
            self.identify();
        }
        let mut by_leader: FxHashMap<i32, Vec<usize>> = FxHashMap::default();
        let mut leaderless = false;
        for (at, lane) in self.lanes.iter().enumerate() {
            if lane.resting(now) || !lane.has_work() {
                continue;
            }
            let topic = self.shared.cluster.known_topic(&lane.queue.topic);
            match topic.and_then(|topic| topic.leader(lane.queue.partition)) {
                Some(leader) => by_leader.entry(leader).or_default().push(at),
                None => leaderless = true,
            }
        }
        for (leader, lanes) in by_leader {
            self.send_to(leader, &lanes, now);
        }
        if leaderless {
            self.refresh();
        }
    }

    fn send_to(&mut self, broker: i32, lanes: &[usize], now: Instant) {
        loop {
            let Some((connection, in_flight)) = self.connected(broker) else {
                return;
            };
            if in_flight >= self.shared.settings.most_in_flight {
                return;
            }
            let hurry = self.shared.phase.flushing.load(Ordering::Acquire) > 0
                || self.shared.phase.stop_when_empty.load(Ordering::Acquire);
            let parts = self.collect(
                lanes,
                Moment {
                    now,
                    idle: in_flight == 0,
                    hurry,
                },
            );
            if parts.is_empty() {
                return;
            }
            self.dispatch(broker, &connection, parts);
        }
    }

    /// One batch from each lane that has one to send, up to the most a request may hold.
    fn collect(&mut self, lanes: &[usize], moment: Moment) -> Vec<Part> {
        let settings = &self.shared.settings;
        let counters = &self.shared.counters;
        let mut parts = Vec::new();
        let mut bytes = 0;
        for at in lanes {
            if bytes + settings.batching.size > settings.max_request_size && !parts.is_empty() {
                break;
            }
            let Some(lane) = self.lanes.get_mut(*at) else {
                continue;
            };
            if let Some((part, again)) = lane.next_part(moment, settings) {
                bytes += part.bytes.len();
                counters.batches_sent.fetch_add(1, Ordering::Relaxed);
                counters
                    .batches_retried
                    .fetch_add(u64::from(again), Ordering::Relaxed);
                parts.push(part);
            }
        }
        counters.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
        parts
    }

    /// The connection to `broker`, if it stands; else starts to make one.
    fn connected(&mut self, broker: i32) -> Option<(Arc<Connection>, usize)> {
        let link = self.links.entry(broker).or_default();
        match &link.connection {
            Some(connection) if connection.closed().is_none() => {
                return Some((connection.clone(), link.in_flight));
            }
            _ => link.connection = None,
        }
        if !link.connecting {
            link.connecting = true;
            let (cluster, pool) = (self.shared.cluster.clone(), self.pool.clone());
            self.events.push(Box::pin(async move {
                let connect = async { pool.get(&cluster.broker_address(broker).await?).await };
                Event::Connected(broker, connect.await)
            }));
        }
        None
    }

    fn dispatch(&mut self, broker: i32, connection: &Arc<Connection>, parts: Vec<Part>) {
        self.shared.counters.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(link) = self.links.get_mut(&broker) {
            link.in_flight += 1;
        }
        let settings = self.shared.settings;
        let connection = connection.clone();
        // Written here and now, so that requests leave in the order they were made.
        let sent = write(&connection, &parts, &settings);
        self.events.push(Box::pin(async move {
            let answer = match sent {
                Ok(Sent::Answered(version, reply)) => connection
                    .wait(reply, settings.request_timeout, ProduceRequest::KEY)
                    .await
                    .and_then(|frame| decode::<ProduceRequest>(frame, version)),
                Ok(Sent::Unanswered) => connection.drained().await.map(|()| ProduceResponse::default()),
                Err(error) => Err(error),
            };
            Event::Answered {
                broker,
                parts,
                answer,
            }
        }));
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::Connected(broker, outcome) => self.take_in_connection(broker, outcome),
            Event::Answered {
                broker,
                parts,
                answer,
            } => {
                if let Some(link) = self.links.get_mut(&broker) {
                    link.in_flight = link.in_flight.saturating_sub(1);
                }
                self.take_in_answer(&parts, &answer);
            }
            Event::Identified(outcome) => self.take_in_identity(outcome),
            Event::Refreshed(outcome) => self.take_in_metadata(&outcome),
        }
    }

    fn take_in_connection(&mut self, broker: i32, outcome: Result<Arc<Connection>>) {
        let link = self.links.entry(broker).or_default();
        link.connecting = false;
        match outcome {
            Ok(connection) => link.connection = Some(connection),
            Err(error) => {
                tracing::debug!(broker, %error, "cannot connect");
                let now = Instant::now();
                for lane in &mut self.lanes {
                    let topic = self.shared.cluster.known_topic(&lane.queue.topic);
                    if topic.and_then(|topic| topic.leader(lane.queue.partition)) == Some(broker) {
                        lane.rest(now);
                    }
                }
                // The leader may have moved away from a broker that is gone.
                self.refresh();
            }
        }
    }

    fn take_in_answer(&mut self, parts: &[Part], answer: &Result<ProduceResponse>) {
        for part in parts {
            let acks_none = self.shared.settings.acks == Acks::None;
            let (attempt, outcome) = match answer {
                Ok(_) if acks_none => (
                    Attempt::Stored,
                    Ok(Stored {
                        base_offset: -1,
                        log_append_time: -1,
                    }),
                ),
                Ok(response) => match request::answer_for(response, part) {
                    Some(answer) => judge(&answer, part),
                    None => (
                        Attempt::Again,
                        Err(Error::corrupt(
                            "the answer to a Produce request leaves out a partition",
                        )),
                    ),
                },
                Err(error) if error.is_retriable() && !acks_none => (Attempt::Again, Err(error.clone())),
                Err(error) => (Attempt::Refused, Err(error.clone())),
            };
            self.settle(part, attempt, outcome);
        }
    }

    fn settle(&mut self, part: &Part, attempt: Attempt, outcome: Result<Stored>) {
        let find =
            |lane: &&mut Lane| lane.queue.partition == part.partition && lane.queue.topic == part.topic;
        let Some(lane) = self.lanes.iter_mut().find(find) else {
            return;
        };
        if let Err(error) = &outcome {
            tracing::debug!(topic = %part.topic, partition = part.partition, ?attempt, %error, "batch not stored");
        }
        let stale = outcome
            .as_ref()
            .err()
            .and_then(Error::kafka_code)
            .is_some_and(is_stale_leader);
        let lost = attempt == Attempt::Again && !stale;
        match lane.sequencer.settle(part.number, attempt) {
            Some(batch) => {
                if attempt == Attempt::Stored {
                    lane.recovered();
                }
                self.shared.complete(&batch, outcome);
            }
            None => lane.rest(Instant::now()),
        }
        if stale || lost {
            self.refresh();
        }
    }

    fn identify(&mut self) {
        if self.identifying {
            return;
        }
        self.identifying = true;
        let cluster = self.shared.cluster.clone();
        self.events.push(Box::pin(async move {
            Event::Identified(ask_identity(&cluster).await)
        }));
    }

    fn take_in_identity(&mut self, outcome: Result<Identity>) {
        self.identifying = false;
        match outcome {
            Ok(identity) => {
                self.identity = Some(identity);
                self.lanes
                    .iter_mut()
                    .for_each(|lane| lane.sequencer.identify(identity));
            }
            // Tried again until the records' delivery timeout.
            Err(error) if error.is_retriable() => {
                tracing::warn!(%error, "no producer id yet");
                let now = Instant::now();
                self.lanes.iter_mut().for_each(|lane| lane.rest(now));
            }
            Err(error) => {
                let error = error.context("getting a producer id for idempotence");
                for lane in self
                    .lanes
                    .iter_mut()
                    .filter(|lane| lane.sequencer.wants_identity())
                {
                    lane.clear()
                        .iter()
                        .for_each(|batch| self.shared.complete(batch, Err(error.clone())));
                }
            }
        }
    }

    fn refresh(&mut self) {
        if self.refreshing {
            return;
        }
        self.refreshing = true;
        let cluster = self.shared.cluster.clone();
        let names: Vec<Arc<str>> = self.lanes.iter().map(|lane| lane.queue.topic.clone()).collect();
        self.events.push(Box::pin(async move {
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            Event::Refreshed(cluster.refresh(&names).await.map(|_| ()))
        }));
    }

    fn take_in_metadata(&mut self, outcome: &Result<()>) {
        self.refreshing = false;
        self.refreshed = Instant::now();
        self.shared.grow_topics();
        let now = self.refreshed;
        for lane in &mut self.lanes {
            let topic = self.shared.cluster.known_topic(&lane.queue.topic);
            if topic
                .and_then(|topic| topic.leader(lane.queue.partition))
                .is_some()
                || outcome.is_err()
            {
                lane.missing_since = None;
                continue;
            }
            lane.rest(now);
            let since = *lane.missing_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= TOPIC_GRACE {
                let (topic, partition) = (&lane.queue.topic, lane.queue.partition);
                let message = format!("topic {topic:?} partition {partition} is gone or has no leader");
                let error = Error::new(ErrorKind::NotFound, message);
                lane.clear()
                    .iter()
                    .for_each(|batch| self.shared.complete(batch, Err(error.clone())));
            }
        }
    }
}

enum Sent {
    Answered(i16, crate::connection::Reply),
    Unanswered,
}

fn write(connection: &Connection, parts: &[Part], settings: &ProducerSettings) -> Result<Sent> {
    let version = connection.versions().pick::<ProduceRequest>()?;
    let frame = request::frame(parts, settings, connection.client_id(), version);
    if settings.acks == Acks::None {
        connection.send_unanswered(frame)?;
        return Ok(Sent::Unanswered);
    }
    Ok(Sent::Answered(version, connection.send(frame)?))
}

/// What a broker's answer means for a batch.
fn judge(answer: &Answer, part: &Part) -> (Attempt, Result<Stored>) {
    const OUT_OF_ORDER_SEQUENCE: i16 = 45;
    const DUPLICATE_SEQUENCE: i16 = 46;
    const INVALID_PRODUCER_EPOCH: i16 = 47;
    const UNKNOWN_PRODUCER_ID: i16 = 59;
    let unknown_place = Stored {
        base_offset: -1,
        log_append_time: -1,
    };
    let error = || {
        let what = format!("producing to {:?} partition {}", part.topic, part.partition);
        Error::from_code(answer.code, &what, answer.message.as_deref())
    };
    match answer.code {
        0 => (Attempt::Stored, Ok(answer.stored)),
        DUPLICATE_SEQUENCE => (Attempt::Stored, Ok(unknown_place)),
        OUT_OF_ORDER_SEQUENCE | INVALID_PRODUCER_EPOCH | UNKNOWN_PRODUCER_ID => {
            (Attempt::OutOfSequence, Err(error()))
        }
        code => {
            let error = error();
            let again = error.is_retriable() || is_stale_leader(code);
            (if again { Attempt::Again } else { Attempt::Refused }, Err(error))
        }
    }
}

async fn ask_identity(cluster: &Cluster) -> Result<Identity> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    cluster
        .retrying(|| async {
            let response = cluster.call_any(&request).await?;
            match response.error_code {
                0 => Ok(Identity {
                    id: response.producer_id.0,
                    epoch: response.producer_epoch,
                }),
                code => Err(Error::from_code(code, "asking for a producer id", None)),
            }
        })
        .await
}
