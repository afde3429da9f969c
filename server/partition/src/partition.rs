//! One partition: its log, its replicator, its producers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tidemill_env::Env;
use tidemill_raft::{Observer, ReplicateError, Replicator, SingleNode};
use tidemill_storage::{Log, SegmentInfo};
use uuid::Uuid;

use crate::config::PartitionConfig;
use crate::dedup::Seen;
use crate::error::{FetchError, OpenError};
use crate::producer::{self, ProducerInfo, Producers};
use crate::wait::Waiters;

/// A producer that has not written for this long is forgotten; Kafka's `producer.id.expiration.ms`.
const PRODUCER_EXPIRY_MS: i64 = 24 * 3600 * 1000;

/// Which partition to open, and how.
#[derive(Debug, Clone)]
pub struct PartitionSpec {
    /// The topic's id: a topic deleted and made again under its name is another topic.
    pub topic_id: Uuid,
    /// The topic's name.
    pub topic: String,
    /// Which of its partitions, from 0.
    pub index: i32,
    /// The epoch under which this node leads.
    pub leader_epoch: i32,
    /// Settings resolved from the topic's.
    pub config: PartitionConfig,
}

/// Hears of what happens in partitions. Called on data-path threads: be quick, never block.
pub trait PartitionHooks: Send + Sync {
    /// `bytes` were made durable in `took`.
    fn flushed(&self, _bytes: u64, _took: Duration) {}

    /// A partition's log failed; it takes no more records until a restart.
    fn failed(&self, _topic_id: Uuid, _index: i32) {}
}

impl PartitionHooks for () {}

/// Where a partition's log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// First offset.
    pub log_start: i64,
    /// One past the last committed record.
    pub high_watermark: i64,
    /// One past the last record.
    pub end: i64,
}

/// A partition hosted here. Shared by `Arc`.
pub struct Partition {
    env: Env,
    spec: PartitionSpec,
    config: RwLock<Arc<PartitionConfig>>,
    replicator: Arc<dyn Replicator>,
    pub(crate) producers: Mutex<Producers>,
    /// Offset as of which their state is on disk.
    producers_saved: AtomicI64,
    events: Arc<Events>,
    /// Held by the batch that goes through transforms; what was there before, for those that leave out doubles.
    ingest_turn: tokio::sync::Mutex<Option<Seen>>,
}

/// What the replicator tells, shared with it.
struct Events {
    name: String,
    topic_id: Uuid,
    index: i32,
    waiters: Waiters,
    closed: AtomicBool,
    /// Set before an end that was asked for, which is no failure.
    closing: AtomicBool,
    hooks: Arc<dyn PartitionHooks>,
}

impl Observer for Events {
    fn committed(&self, _offset: i64) {
        self.waiters.wake_all();
    }

    fn flushed(&self, bytes: u64, took: Duration) {
        self.hooks.flushed(bytes, took);
    }

    fn ended(&self, why: &ReplicateError) {
        if !self.closing.load(Ordering::Acquire) {
            tracing::error!(partition = self.name, reason = %why, "a partition has failed until a restart");
            self.hooks.failed(self.topic_id, self.index);
        }
        self.waiters.wake_all();
    }
}

impl Partition {
    /// Opens the partition in `dir`, recovering what a crash left. Blocks on disk.
    pub(crate) fn open(
        env: Env,
        dir: PathBuf,
        spec: PartitionSpec,
        hooks: Arc<dyn PartitionHooks>,
    ) -> Result<Self, OpenError> {
        let refuse = |reason: String| OpenError {
            topic: spec.topic.clone(),
            index: spec.index,
            dir: dir.display().to_string(),
            reason,
        };
        env.disk
            .create_dir_all(&dir)
            .map_err(|error| refuse(error.to_string()))?;
        let opened = Log::open(&env, dir.clone(), spec.config.log.clone());
        let (log, recovery) = opened.map_err(|error| refuse(error.to_string()))?;
        if let Some(reason) = &recovery.reason {
            tracing::warn!(
                topic = spec.topic,
                partition = spec.index,
                bytes = recovery.truncated_bytes,
                reason,
                "the end of the log was torn by a crash and has been cut; with flush: always no acknowledged record was in it"
            );
        }
        let (producers, saved) = recover_producers(&env, &log, &dir).map_err(refuse)?;
        let events = Arc::new(Events {
            name: format!("{}-{}", spec.topic, spec.index),
            topic_id: spec.topic_id,
            index: spec.index,
            waiters: Waiters::default(),
            closed: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            hooks,
        });
        let observer: Arc<dyn Observer> = events.clone();
        let replicator = SingleNode::new(
            env.clone(),
            Arc::new(log),
            spec.leader_epoch,
            spec.config.flush,
            observer,
        );
        Ok(Self {
            env,
            config: RwLock::new(Arc::new(spec.config.clone())),
            spec,
            replicator: Arc::new(replicator),
            producers: Mutex::new(producers),
            producers_saved: AtomicI64::new(saved),
            events,
            ingest_turn: tokio::sync::Mutex::default(),
        })
    }

    /// The topic's name.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.spec.topic
    }

    /// The topic's id.
    #[must_use]
    pub fn topic_id(&self) -> Uuid {
        self.spec.topic_id
    }

    /// Which partition of the topic, from 0.
    #[must_use]
    pub fn index(&self) -> i32 {
        self.spec.index
    }

    /// The epoch under which this node leads.
    #[must_use]
    pub fn leader_epoch(&self) -> i32 {
        self.replicator.leader_epoch()
    }

    /// `topic-index`, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.spec.topic, self.spec.index)
    }

    /// Where the log stands.
    #[must_use]
    pub fn offsets(&self) -> Offsets {
        let offsets = self.replicator.log().offsets();
        Offsets {
            log_start: offsets.start,
            high_watermark: self.replicator.high_watermark(),
            end: offsets.end,
        }
    }

    /// Bytes on disk.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.replicator.log().size_bytes()
    }

    /// The log's segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.replicator.log().segments()
    }

    /// Where its files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.replicator.log().dir()
    }

    /// The idempotent producers that are remembered, by id.
    #[must_use]
    pub fn producers(&self) -> Vec<ProducerInfo> {
        self.lock_producers().describe()
    }

    /// Settings in force.
    #[must_use]
    pub fn config(&self) -> Arc<PartitionConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes settings; the next append, flush and clean-up follow them.
    pub fn set_config(&self, config: PartitionConfig) {
        self.replicator.log().set_config(config.log.clone());
        self.replicator.set_flush(config.flush);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Whether it was removed or the server is stopping.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.events.closed.load(Ordering::Acquire)
    }

    /// Why the log takes no more records, if a disk failed.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.replicator.log().failed()
    }

    /// Removes records below `offset` (DeleteRecords); answers the new log start offset, durable.
    ///
    /// Records that are in the log and not yet committed are waited for: an `acks=1` producer knows their
    /// offsets already.
    ///
    /// # Errors
    /// [`FetchError::OutOfRange`] when `offset` is above the high watermark.
    pub async fn delete_records(&self, offset: i64) -> Result<i64, FetchError> {
        if offset <= self.offsets().end {
            let committed = self.replicator.committed(offset).await;
            committed.map_err(|error| FetchError::Storage(error.to_string()))?;
        }
        let Offsets {
            log_start,
            high_watermark,
            ..
        } = self.offsets();
        if offset > high_watermark || offset < 0 {
            return Err(FetchError::OutOfRange {
                offset,
                start: log_start,
                end: high_watermark,
            });
        }
        let log = Arc::clone(self.replicator.log());
        let deleted = self.env.blocking(move || log.delete_before(offset)).await;
        deleted
            .map_err(|_| FetchError::Closed)?
            .map_err(|error| FetchError::Storage(error.to_string()))
    }

    /// Applies retention and rolling, forgets old producers, and saves what makes a restart quick.
    ///
    /// # Errors
    /// A sentence, when the disk failed.
    pub async fn maintain(self: &Arc<Self>) -> Result<(), String> {
        let this = Arc::clone(self);
        let work = move || {
            let now_ms = this.env.clock.wall_ms();
            this.replicator
                .log()
                .maintain(now_ms)
                .map_err(|error| error.to_string())?;
            this.checkpoint_producers(now_ms)
        };
        self.env.blocking(work).await.map_err(|error| error.to_string())?
    }

    /// Saves the producer state if it changed, so that a start after a crash scans little.
    pub(crate) fn checkpoint_producers(&self, now_ms: i64) -> Result<(), String> {
        let (state, end) = {
            let mut producers = self.lock_producers();
            producers.expire(now_ms.saturating_sub(PRODUCER_EXPIRY_MS));
            // Even a state that has not changed spares the next start what is below its offset.
            let segments = self.replicator.log().segments();
            let active = segments.last().map_or(0, |segment| segment.base_offset);
            let behind = active > self.producers_saved.load(Ordering::Acquire);
            if !producers.take_changed() && !behind {
                return Ok(());
            }
            // The lock keeps appends of idempotent producers out: all below `end` is in the state.
            let end = self.replicator.log().offsets().end;
            (producer::encode(&producers, end), end)
        };
        let saved = self.save_producers(&state);
        match saved {
            Ok(()) => self.producers_saved.store(end, Ordering::Release),
            // What was not saved must be, the next time.
            Err(_) => self.lock_producers().mark_changed(),
        }
        saved
    }

    /// Saves an encoded state. A snapshot of records that a crash then loses would be wrong, so they go first.
    fn save_producers(&self, state: &[u8]) -> Result<(), String> {
        self.replicator.log().sync().map_err(|error| error.to_string())?;
        producer::save(self.env.disk.as_ref(), self.dir(), state).map_err(|error| error.to_string())
    }

    fn lock_producers(&self) -> MutexGuard<'_, Producers> {
        self.producers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything durable and ends. Blocks on disk.
    pub(crate) fn close(&self) {
        self.events.closing.store(true, Ordering::Release);
        self.events.closed.store(true, Ordering::Release);
        if let Err(error) = self.save_producers_after(self.replicator.close()) {
            tracing::error!(
                partition = self.name(),
                error,
                "the log was not closed cleanly; it will be recovered"
            );
        }
        self.events.waiters.wake_all();
    }

    fn save_producers_after(&self, closed: Result<(), ReplicateError>) -> Result<(), String> {
        closed.map_err(|error| error.to_string())?;
        if let Some(reason) = self.failed() {
            // It holds records that the next start will not find.
            return Err(reason);
        }
        let end = self.replicator.log().offsets().end;
        let producers = self.lock_producers();
        let state = producer::encode(&producers, end);
        producer::save(self.env.disk.as_ref(), self.dir(), &state).map_err(|error| error.to_string())
    }

    /// Ends without flushing: its files are about to be removed.
    pub(crate) fn abandon(&self) {
        self.events.closing.store(true, Ordering::Release);
        self.events.closed.store(true, Ordering::Release);
        self.replicator.abandon();
        self.events.waiters.wake_all();
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn replicator(&self) -> &Arc<dyn Replicator> {
        &self.replicator
    }

    pub(crate) fn ingest_turn(&self) -> &tokio::sync::Mutex<Option<Seen>> {
        &self.ingest_turn
    }

    pub(crate) fn waiters(&self) -> &Waiters {
        &self.events.waiters
    }
}

/// The saved producer state, brought up to the end of the log, and the offset it was saved at.
fn recover_producers(env: &Env, log: &Log, dir: &Path) -> Result<(Producers, i64), String> {
    let offsets = log.offsets();
    let saved = producer::load(env.disk.as_ref(), dir);
    let (mut producers, from) = match saved {
        Some((_, offset)) if offset > offsets.end => {
            // It knows of records that are lost. Once the log has grown past it, it would be believed.
            producer::discard(env.disk.as_ref(), dir).map_err(|error| error.to_string())?;
            Default::default()
        }
        found => found.unwrap_or_default(),
    };
    let now_ms = env.clock.wall_ms();
    log.scan(from.max(offsets.start), &mut |header, _| {
        if header.producer_id >= 0 && (!header.attributes.control() || header.is_gap()) {
            producers.stored(header, header.base_offset, now_ms);
        }
        std::ops::ControlFlow::Continue(())
    })
    .map_err(|error| error.to_string())?;
    Ok((producers, from))
}
