//! What the reader and the fetcher task share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::builder::{FetchSettings, Start};
use super::state::{State, Taken};
use super::{Position, resolve};
use crate::cluster::Cluster;
use crate::error::Result;

/// How long a partition is left alone after it sent a damaged batch.
pub(super) const DAMAGE_REST: Duration = Duration::from_secs(1);

pub(crate) struct Shared {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) settings: FetchSettings,
    state: Mutex<State>,
    /// Data, a failure, or an end has come.
    pub(crate) arrived: Notify,
    /// The fetcher should look again.
    pub(crate) wake: Notify,
    stopped: AtomicBool,
}

impl Shared {
    pub(crate) fn new(cluster: Arc<Cluster>, settings: FetchSettings, state: State) -> Self {
        Self {
            cluster,
            settings,
            state: Mutex::new(state),
            arrived: Notify::new(),
            wake: Notify::new(),
            stopped: AtomicBool::new(false),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake.notify_one();
        self.arrived.notify_waiters();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn take(&self, max_records: usize) -> Result<Option<Taken>> {
        let mut state = self.lock();
        if let Some(error) = state.failure.take() {
            return Err(error);
        }
        let taken = state.take(max_records);
        if taken.is_some() && std::mem::take(&mut state.held_back) {
            self.wake.notify_one();
        }
        Ok(taken)
    }

    pub(super) fn is_current(&self, topic: &str, partition: i32, generation: u64) -> bool {
        self.lock()
            .find_current(topic, partition, generation)
            .is_some_and(|assigned| !assigned.paused)
    }

    pub(super) fn set_position(&self, topic: &str, partition: i32, generation: u64, position: i64) {
        if let Some(assigned) = self.lock().find_current(topic, partition, generation) {
            assigned.position = position;
        }
    }

    pub(crate) fn finished(&self) -> bool {
        let state = self.lock();
        self.settings.stop_at_end
            && state.failure.is_none()
            && state.partitions.iter().all(|p| p.is_finished())
    }

    pub(crate) fn seek(&self, topic: &str, partition: i32, to: Start) -> bool {
        let found = self.lock().seek(topic, partition, to);
        self.wake.notify_one();
        found
    }

    /// Has a partition fetched again from `offset` on; answers its generation from now on.
    pub(super) fn go_back(&self, topic: &str, partition: i32, offset: i64) -> u64 {
        let mut state = self.lock();
        state.seek(topic, partition, Start::Offset(offset));
        let generation = state.find(topic, partition).map_or(0, |assigned| {
            assigned.resolved(offset, None);
            // Not the same bad bytes over and over at full speed.
            assigned.rest_until = Some(tokio::time::Instant::now() + DAMAGE_REST);
            assigned.generation
        });
        self.wake.notify_one();
        generation
    }

    pub(crate) fn set_paused(&self, topic: &str, partition: i32, paused: bool) -> bool {
        let mut state = self.lock();
        let Some(assigned) = state.find(topic, partition) else {
            return false;
        };
        assigned.paused = paused;
        self.wake.notify_one();
        self.arrived.notify_waiters();
        true
    }

    pub(crate) fn positions(&self) -> Vec<Position> {
        let state = self.lock();
        let position = |assigned: &super::state::Assigned| {
            let known = assigned.position >= 0 && assigned.high_watermark >= 0 && assigned.start.is_none();
            Position {
                topic: assigned.topic.clone(),
                partition: assigned.partition,
                offset: if assigned.start.is_some() {
                    -1
                } else {
                    assigned.position
                },
                high_watermark: assigned.high_watermark,
                log_start: assigned.log_start,
                lag: known.then(|| (assigned.high_watermark - assigned.position).max(0)),
            }
        };
        let mut positions: Vec<Position> = state.partitions.iter().map(position).collect();
        positions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        positions
    }

    /// Looks up every start that is not yet. Cancellation safe.
    pub(crate) async fn resolve_all(&self) -> Result<()> {
        let wanted = resolve::wanted(&self.lock());
        if wanted.is_empty() {
            return Ok(());
        }
        let found = resolve::resolve(&self.cluster, &self.settings, &wanted).await;
        resolve::take_in(&mut self.lock(), &wanted, found.as_deref().unwrap_or_default());
        self.wake.notify_one();
        found.map(|_| ())
    }
}
