//! The task that keeps the buffers filled: one fetch under way to each broker, sent again as soon as it is answered.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_wire::kafka::messages::FetchResponse;
use tokio::time::Instant;

use super::builder::FetchSettings;
use super::fetch::{self, Asked, REST};
use super::resolve;
use super::shared::Shared;
use super::state::{Assigned, State};
use crate::cluster::Cluster;
use crate::connection::Pool;
use crate::error::{Error, Result};

/// Starts the fetcher of a consumer. It ends when the consumer is dropped.
pub(crate) fn start(cluster: Arc<Cluster>, settings: FetchSettings, state: State) -> Arc<Shared> {
    let pool = Arc::new(cluster.settings().pool());
    let shared = Arc::new(Shared::new(cluster, settings, state));
    let fetcher = Fetcher {
        shared: shared.clone(),
        pool,
        busy: FxHashSet::default(),
        events: FuturesUnordered::new(),
        refreshing: false,
        resolving: false,
    };
    tokio::spawn(fetcher.run());
    shared
}

enum Event {
    Fetched {
        broker: i32,
        asked: Vec<Asked>,
        answer: Result<FetchResponse>,
    },
    Refreshed,
    Resolved(Result<()>),
}

struct Fetcher {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    /// Brokers with a fetch under way.
    busy: FxHashSet<i32>,
    events: FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send>>>,
    refreshing: bool,
    resolving: bool,
}

impl Fetcher {
    async fn run(mut self) {
        while !self.shared.is_stopped() {
            let now = Instant::now();
            let look = self.fetch_ready(now);
            let shared = self.shared.clone();
            tokio::select! {
                biased;
                Some(event) = self.events.next(), if !self.events.is_empty() => self.take_in(event),
                () = shared.wake.notified() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    /// Sends a fetch to every idle broker that leads a partition with room. Answers when to look again at the latest.
    fn fetch_ready(&mut self, now: Instant) -> Instant {
        let mut look = now + Duration::from_secs(60);
        let mut leaderless = false;
        let mut unresolved = false;
        let mut by_leader: FxHashMap<i32, Vec<Asked>> = FxHashMap::default();
        {
            let mut state = self.shared.lock();
            let share = self.shared.settings.prefetch_bytes / state.partitions.len().max(1);
            let full = state.wanted_bytes() >= self.shared.settings.prefetch_bytes;
            let (mut held_back, mut gone) = (false, None);
            for assigned in &mut state.partitions {
                if let Some(until) = assigned.rest_until.filter(|until| *until > now) {
                    look = look.min(until);
                    continue;
                }
                if assigned.start.is_some() {
                    unresolved = true;
                    continue;
                }
                if assigned.paused || past_end(assigned) {
                    continue;
                }
                if full || assigned.buffered_bytes >= share.max(1) {
                    held_back = true;
                    continue;
                }
                let topic = self.shared.cluster.known_topic(&assigned.topic);
                if topic.is_none() {
                    gone = fetch::missing(assigned, now).err().or(gone);
                }
                match topic.and_then(|topic| topic.leader(assigned.partition)) {
                    Some(leader) if self.busy.contains(&leader) => {}
                    Some(leader) => by_leader.entry(leader).or_default().push(asked(assigned)),
                    None => leaderless = true,
                }
            }
            state.held_back = held_back;
            if let Some(error) = gone {
                state.failure.get_or_insert(error);
                self.shared.arrived.notify_waiters();
            }
        }
        for (broker, asked) in by_leader {
            self.send(broker, asked);
        }
        if leaderless {
            self.refresh();
        }
        if unresolved {
            self.resolve();
        }
        look
    }

    fn send(&mut self, broker: i32, asked: Vec<Asked>) {
        self.busy.insert(broker);
        let (cluster, pool) = (self.shared.cluster.clone(), self.pool.clone());
        let settings = self.shared.settings;
        self.events.push(Box::pin(async move {
            let answer = fetch_once(&cluster, &pool, broker, &asked, settings).await;
            Event::Fetched {
                broker,
                asked,
                answer,
            }
        }));
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::Fetched {
                broker,
                asked,
                answer,
            } => {
                self.busy.remove(&broker);
                self.take_in_answer(&asked, answer);
            }
            Event::Refreshed => self.refreshing = false,
            Event::Resolved(outcome) => {
                self.resolving = false;
                if let Err(error) = outcome {
                    let mut state = self.shared.lock();
                    let until = Instant::now() + Duration::from_secs(1);
                    state
                        .partitions
                        .iter_mut()
                        .filter(|p| p.start.is_some())
                        .for_each(|p| p.rest_until = Some(until));
                    state.failure.get_or_insert(error);
                }
                self.shared.arrived.notify_waiters();
            }
        }
    }

    fn take_in_answer(&mut self, asked: &[Asked], answer: Result<FetchResponse>) {
        let outcome = {
            let mut state = self.shared.lock();
            answer.and_then(|response| fetch::take_in(&mut state, asked, &response, &self.shared.settings))
        };
        match outcome {
            Ok(effects) => {
                if effects.arrived {
                    self.shared.arrived.notify_waiters();
                }
                if effects.refresh {
                    self.refresh();
                }
            }
            Err(error) => self.take_in_failure(asked, error),
        }
    }

    fn take_in_failure(&mut self, asked: &[Asked], error: Error) {
        tracing::debug!(%error, "fetch failed");
        let mut state = self.shared.lock();
        let until = Instant::now() + REST;
        for asked in asked {
            if let Some(assigned) = state.find_current(&asked.topic, asked.partition, asked.generation) {
                assigned.rest_until = Some(until);
            }
        }
        if !error.is_retriable() {
            state.failure.get_or_insert(error);
            self.shared.arrived.notify_waiters();
        }
        drop(state);
        self.refresh();
    }

    fn refresh(&mut self) {
        if self.refreshing {
            return;
        }
        self.refreshing = true;
        let shared = self.shared.clone();
        self.events.push(Box::pin(async move {
            let mut names: Vec<Arc<str>> = shared.lock().partitions.iter().map(|p| p.topic.clone()).collect();
            names.sort();
            names.dedup();
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            if let Err(error) = shared.cluster.refresh(&names).await {
                tracing::warn!(%error, "cannot refresh the metadata");
            }
            // Whoever still has no leader asks again, but not at once.
            tokio::time::sleep(REST).await;
            Event::Refreshed
        }));
    }

    fn resolve(&mut self) {
        if self.resolving {
            return;
        }
        self.resolving = true;
        let shared = self.shared.clone();
        self.events.push(Box::pin(async move {
            let wanted = resolve::wanted(&shared.lock());
            let found = resolve::resolve(&shared.cluster, &shared.settings, &wanted).await;
            resolve::take_in(&mut shared.lock(), &wanted, found.as_deref().unwrap_or_default());
            Event::Resolved(found.map(|_| ()))
        }));
    }
}

fn past_end(assigned: &Assigned) -> bool {
    assigned.end.is_some_and(|end| assigned.fetch_position >= end)
}

fn asked(assigned: &Assigned) -> Asked {
    Asked {
        topic: assigned.topic.clone(),
        partition: assigned.partition,
        generation: assigned.generation,
        from: assigned.fetch_position,
    }
}

async fn fetch_once(
    cluster: &Cluster,
    pool: &Pool,
    broker: i32,
    asked: &[Asked],
    settings: FetchSettings,
) -> Result<FetchResponse> {
    let connection = pool.get(&cluster.broker_address(broker).await?).await?;
    let request = fetch::request(asked, &settings);
    connection
        .call(
            &request,
            settings.request_timeout.saturating_add(settings.max_wait),
        )
        .await
}
