//! The coordinator's shell: which shard a group is on, and what goes on in the background.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tidemill_env::Env;
use tidemill_wire::kafka::error::ResponseError;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::bounds::MAX_ID_BYTES;
use super::config::GroupConfig;
use super::hash::partition_for;
use super::log::GroupLog;
use super::shard::{Active, Moment, Shard};
use super::topics::TopicSource;
use super::{OFFSETS_TOPIC, keeper};

/// Sleeps at most this long, so that a lost wake-up costs little.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Answers group and offset requests. Shared by `Arc`; give [`Coordinator::run`] a task.
pub struct Coordinator {
    pub(crate) env: Env,
    pub(crate) config: GroupConfig,
    pub(crate) log: Arc<dyn GroupLog>,
    pub(crate) topics: Arc<dyn TopicSource>,
    shards: RwLock<Arc<Vec<Arc<Shard>>>>,
    /// Ticks when a shard starts or stops to be served.
    changes: watch::Sender<u64>,
    /// Wakes the ticker: an earlier deadline than it knows of.
    wake: Notify,
}

impl Coordinator {
    /// A coordinator that serves nothing until [`Coordinator::run`] runs.
    #[must_use]
    pub fn new(env: Env, config: GroupConfig, log: Arc<dyn GroupLog>, topics: Arc<dyn TopicSource>) -> Self {
        Self {
            env,
            config,
            log,
            topics,
            shards: RwLock::default(),
            changes: watch::Sender::new(0),
            wake: Notify::new(),
        }
    }

    /// Serves until `stop` is cancelled: opens shards as the offsets topic appears, watches the time,
    /// and lets offsets expire. When it ends, parked requests get an error.
    ///
    /// # Cancellation
    /// Dropping it stops the service; what is stored stays.
    pub async fn run<T>(self: Arc<Self>, mut topics_changed: watch::Receiver<T>, stop: CancellationToken) {
        let mut keepers = JoinSet::new();
        let mut next_sweep = self.moment().now + self.config.retention_check_interval_ms;
        while let Ok(changed) = topics_changed.has_changed() {
            topics_changed.mark_unchanged();
            self.open_shards(&mut keepers);
            if changed {
                for shard in self.shards().iter() {
                    self.drop_offsets_of_missing_topics(shard);
                }
            }
            let now = self.moment().now;
            let topics = self.topics.current();
            for shard in self.shards().iter() {
                // A shard that is not served has no deadlines.
                let _ = shard.with(|active| active.tick(self.moment(), topics.as_ref()));
            }
            if now >= next_sweep {
                self.expire_offsets();
                next_sweep = now + self.config.retention_check_interval_ms;
            }
            tokio::select! {
                () = self.env.clock.sleep(self.pause(next_sweep)) => {}
                () = self.wake.notified() => {}
                changed = topics_changed.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    // Looked at above, where a change that comes with another wake-up is seen as well.
                    topics_changed.mark_changed();
                }
                () = stop.cancelled() => break,
            }
        }
        drop(keepers);
        for shard in self.shards().iter() {
            shard.deactivate();
        }
        self.changed();
    }

    fn pause(&self, next_sweep: u64) -> Duration {
        let now = self.moment().now;
        let first = self
            .shards()
            .iter()
            .filter_map(|shard| shard.next_deadline())
            .min();
        let until = first.map_or(next_sweep, |at| at.min(next_sweep));
        Duration::from_millis(until.saturating_sub(now)).min(LONGEST_SLEEP)
    }

    fn open_shards(self: &Arc<Self>, keepers: &mut JoinSet<()>) {
        if !self.shards().is_empty() {
            return;
        }
        let Some(topic) = self.topics.current().topic(OFFSETS_TOPIC) else {
            return;
        };
        let shards: Vec<Arc<Shard>> = (0..topic.partitions).map(|p| Arc::new(Shard::new(p))).collect();
        for shard in &shards {
            keepers.spawn(keeper::keep(Arc::clone(self), Arc::clone(shard)));
        }
        *self.shards.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shards);
    }

    pub(crate) fn shards(&self) -> Arc<Vec<Arc<Shard>>> {
        Arc::clone(&self.shards.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time of a step.
    pub(crate) fn moment(&self) -> Moment {
        let now = u64::try_from(self.env.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        Moment {
            now,
            wall_ms: self.env.clock.wall_ms(),
        }
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|round| *round += 1);
        self.wake.notify_one();
    }

    /// The shard of a group.
    ///
    /// # Errors
    /// `NOT_COORDINATOR` before the offsets topic exists: the client asks for the coordinator, and that
    /// makes it. `INVALID_GROUP_ID` for an empty id, and one over [`MAX_ID_BYTES`].
    pub(crate) fn shard(&self, group: &str) -> Result<Arc<Shard>, ResponseError> {
        if group.is_empty() || group.len() > MAX_ID_BYTES {
            return Err(ResponseError::InvalidGroupId);
        }
        let shards = self.shards();
        let partition = partition_for(group, i32::try_from(shards.len()).unwrap_or(i32::MAX));
        let index = usize::try_from(partition).unwrap_or(0);
        shards.get(index).cloned().ok_or(ResponseError::NotCoordinator)
    }

    /// Runs `step` on the groups of `group`'s shard. For steps that bring no deadline forward: what a
    /// heartbeat puts off is found out when the deadline on the list comes.
    pub(crate) fn glance<R>(
        &self,
        group: &str,
        step: impl FnOnce(&mut Active, Moment) -> R,
    ) -> Result<R, ResponseError> {
        let moment = self.moment();
        self.shard(group)?.with(|active| {
            let before = active.next_deadline();
            let result = step(active, moment);
            let after = active.next_deadline();
            if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
                self.wake.notify_one();
            }
            result
        })
    }

    /// As [`Coordinator::glance`], and puts the group's deadline on the list.
    pub(crate) fn with<R>(
        &self,
        group: &str,
        step: impl FnOnce(&mut Active, Moment) -> R,
    ) -> Result<R, ResponseError> {
        self.glance(group, |active, moment| {
            let result = step(active, moment);
            active.schedule(group);
            result
        })
    }

    /// As [`Coordinator::glance`], for steps that write: refused while the log does not keep up.
    pub(crate) fn glance_with_room<R>(
        &self,
        group: &str,
        step: impl FnOnce(&mut Active, Moment) -> Result<R, ResponseError>,
    ) -> Result<R, ResponseError> {
        self.glance(group, |active, moment| {
            if active.journal.is_full() {
                return Err(ResponseError::CoordinatorNotAvailable);
            }
            step(active, moment)
        })?
    }

    /// As [`Coordinator::with`], for steps that write: refused while the log does not keep up.
    pub(crate) fn with_room<R>(
        &self,
        group: &str,
        step: impl FnOnce(&mut Active, Moment) -> Result<R, ResponseError>,
    ) -> Result<R, ResponseError> {
        self.with(group, |active, moment| {
            if active.journal.is_full() {
                return Err(ResponseError::CoordinatorNotAvailable);
            }
            step(active, moment)
        })?
    }

    /// Waits until the group's shard is served, at most for `limit`. Answers whether it is.
    pub async fn ready(&self, group: &str, limit: Duration) -> bool {
        let mut changes = self.changes.subscribe();
        let until = self.env.clock.sleep(limit);
        tokio::pin!(until);
        loop {
            changes.mark_unchanged();
            if self.shard(group).is_ok_and(|shard| shard.is_active()) {
                return true;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return false },
                () = &mut until => return false,
            }
        }
    }
}
