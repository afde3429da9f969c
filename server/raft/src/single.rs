//! One copy: committed means as durable as the flush policy asks.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tidemill_env::Env;
use tidemill_storage::Log;
use tidemill_wire::batch::Batch;

use crate::commit::{Commit, CommitQueue};
use crate::flush::{FlushPolicy, WRITE_BACK_BYTES};
use crate::replicator::{Observer, Proposed, ReplicateError, Replicator};
use crate::turn::FlushTurn;

/// A [`Replicator`] for replication factor 1. It pays for no consensus, and its log is the one that a
/// replicated group would take over.
pub struct SingleNode {
    shared: Arc<Shared>,
}

struct Shared {
    env: Env,
    name: String,
    log: Arc<Log>,
    leader_epoch: i32,
    policy: RwLock<FlushPolicy>,
    high_watermark: AtomicI64,
    queue: CommitQueue,
    turn: FlushTurn,
    /// A timed flush is on its way.
    timed: AtomicBool,
    ended: Mutex<Option<ReplicateError>>,
    observer: Arc<dyn Observer>,
}

impl SingleNode {
    /// Takes over `log`, whose recovered records are all committed: what survived a crash is served.
    #[must_use]
    pub fn new(
        env: Env,
        log: Arc<Log>,
        leader_epoch: i32,
        policy: FlushPolicy,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let name = log.dir().display().to_string();
        let high_watermark = AtomicI64::new(log.offsets().end);
        let shared = Shared {
            env,
            name,
            log,
            leader_epoch,
            policy: RwLock::new(policy),
            high_watermark,
            queue: CommitQueue::default(),
            turn: FlushTurn::default(),
            timed: AtomicBool::new(false),
            ended: Mutex::new(None),
            observer,
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Shared {
    fn policy(&self) -> FlushPolicy {
        *self.policy.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises the high watermark and wakes who waited for it.
    fn advance(&self, offset: i64) {
        if self.high_watermark.fetch_max(offset, Ordering::AcqRel) < offset {
            self.queue.release(offset);
            self.observer.committed(offset);
        }
    }

    fn ended(&self) -> Option<ReplicateError> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends for good. The first reason stands.
    fn end(&self, error: ReplicateError) {
        let (first, news) = {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let news = ended.is_none();
            (ended.get_or_insert(error).clone(), news)
        };
        self.queue.fail(&first);
        if news {
            self.observer.ended(&first);
        }
    }

    /// Has all that was appended so far flushed, and its commit announced.
    fn start_flush(self: &Arc<Self>) {
        if self.turn.ask() {
            let shared = Arc::clone(self);
            self.env
                .tasks
                .spawn_blocking(Box::new(move || shared.flush_while_asked()));
        }
    }

    /// Flushes again and again while flushes are asked for: under load one thread commits for all.
    fn flush_while_asked(self: &Arc<Self>) {
        loop {
            if let Err(error) = self.flush_once() {
                self.end(error);
                return;
            }
            if !self.turn.again() {
                return;
            }
        }
    }

    fn flush_once(&self) -> Result<(), ReplicateError> {
        let bytes = self.log.unsynced_bytes();
        let begin = self.env.clock.monotonic();
        let durable = self
            .log
            .sync()
            .map_err(|error| ReplicateError::from_storage(&self.name, &error))?;
        if bytes > 0 {
            self.observer
                .flushed(bytes, self.env.clock.monotonic().saturating_sub(begin));
        }
        self.advance(durable);
        Ok(())
    }

    fn flush_after(self: &Arc<Self>, interval: std::time::Duration) {
        if !self.timed.swap(true, Ordering::AcqRel) {
            let shared = Arc::clone(self);
            self.env.tasks.spawn(Box::pin(async move {
                shared.env.clock.sleep(interval).await;
                // Takes over what they did who left their flush to this one.
                shared.timed.swap(false, Ordering::AcqRel);
                shared.start_flush();
            }));
        }
    }

    /// What must follow an append under the policy.
    fn appended(self: &Arc<Self>, end: i64) {
        match self.policy() {
            FlushPolicy::Always => self.start_flush(),
            FlushPolicy::Interval(interval) => {
                self.advance(end);
                self.flush_after(interval);
                self.write_back();
            }
            FlushPolicy::Os => {
                self.advance(end);
                self.write_back();
            }
        }
    }

    fn write_back(self: &Arc<Self>) {
        if self.log.unsynced_bytes() > WRITE_BACK_BYTES {
            self.start_flush();
        }
    }
}

impl Replicator for SingleNode {
    fn propose(&self, batches: &[Batch]) -> Result<Proposed, ReplicateError> {
        let shared = &self.shared;
        if let Some(error) = shared.ended() {
            return Err(error);
        }
        let appended = shared.log.append(batches, shared.leader_epoch).map_err(|error| {
            let error = ReplicateError::from_storage(&shared.name, &error);
            shared.end(error.clone());
            error
        })?;
        shared.appended(appended.next_offset);
        Ok(Proposed {
            base_offset: appended.base_offset,
            next_offset: appended.next_offset,
        })
    }

    fn committed(&self, offset: i64) -> Commit {
        let shared = &self.shared;
        if self.high_watermark() >= offset {
            return Commit::done();
        }
        let commit = shared.queue.wait(offset, &shared.name);
        // Both may have happened since the look above.
        let high_watermark = self.high_watermark();
        if high_watermark >= offset {
            shared.queue.release(high_watermark);
        } else if let Some(error) = shared.ended() {
            shared.queue.fail(&error);
        }
        commit
    }

    fn high_watermark(&self) -> i64 {
        self.shared.high_watermark.load(Ordering::Acquire)
    }

    fn leader_epoch(&self) -> i32 {
        self.shared.leader_epoch
    }

    fn unsynced_bytes(&self) -> u64 {
        self.shared.log.unsynced_bytes()
    }

    fn set_flush(&self, policy: FlushPolicy) {
        *self.shared.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
        if self.shared.ended().is_some() {
            // What was refused to its producer must not be shown under a weaker policy.
            return;
        }
        // Whoever waits under the old policy is served by the new one.
        self.shared.appended(self.shared.log.offsets().end);
    }

    fn log(&self) -> &Arc<Log> {
        &self.shared.log
    }

    fn close(&self) -> Result<(), ReplicateError> {
        let shared = &self.shared;
        if shared.ended().is_some() {
            return Ok(());
        }
        let flushed = shared.flush_once();
        shared.end(ReplicateError::Closed {
            log: shared.name.clone(),
        });
        flushed?;
        shared
            .log
            .close()
            .map_err(|error| ReplicateError::from_storage(&shared.name, &error))
    }

    fn abandon(&self) {
        self.shared.end(ReplicateError::Closed {
            log: self.shared.name.clone(),
        });
    }
}

#[cfg(test)]
mod tests;
