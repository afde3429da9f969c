//! What the callers' side and the sender task share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::accumulator::{PartitionQueue, TopicQueues};
use super::builder::ProducerSettings;
use super::delivery::{Completion, Stored};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorKind, Result};

pub(super) struct Shared {
    pub(super) cluster: Arc<Cluster>,
    pub(super) settings: ProducerSettings,
    /// Tells the sender to look again.
    pub(super) wake: Notify,
    topics: RwLock<FxHashMap<Arc<str>, Arc<TopicQueues>>>,
    space: Semaphore,
    buffer_memory: usize,
    /// Batches that are not settled, by number.
    live: Mutex<FxHashMap<u64, Arc<Completion>>>,
    newcomers: Mutex<Vec<Arc<PartitionQueue>>>,
    pub(super) phase: Phase,
    pub(super) counters: Counters,
}

/// How far along its life the producer is. Flags only ever rise, but `flushing`.
#[derive(Default)]
pub(super) struct Phase {
    /// Flushes under way: batches leave without lingering.
    pub(super) flushing: AtomicUsize,
    refusing: AtomicBool,
    pub(super) stop_when_empty: AtomicBool,
    pub(super) stop_now: AtomicBool,
    stopped: AtomicBool,
    ended: Notify,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) next_batch: AtomicU64,
    pub(super) records_acked: AtomicU64,
    pub(super) records_failed: AtomicU64,
    pub(super) bytes_sent: AtomicU64,
    pub(super) batches_sent: AtomicU64,
    pub(super) batches_retried: AtomicU64,
    pub(super) requests: AtomicU64,
}

/// Counts since the producer was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerStats {
    /// Records stored.
    pub records_acked: u64,
    /// Records given up.
    pub records_failed: u64,
    /// Bytes of batches put on the wire, as compressed, retries included.
    pub bytes_sent: u64,
    /// Batches put on the wire, retries included.
    pub batches_sent: u64,
    /// Batches sent again.
    pub batches_retried: u64,
    /// Produce requests sent.
    pub requests: u64,
    /// Bytes of records that wait for the server now.
    pub bytes_buffered: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(cluster: Arc<Cluster>, settings: ProducerSettings, buffer_memory: usize) -> Self {
        Self {
            cluster,
            settings,
            wake: Notify::new(),
            topics: RwLock::default(),
            space: Semaphore::new(buffer_memory),
            buffer_memory,
            live: Mutex::default(),
            newcomers: Mutex::default(),
            phase: Phase::default(),
            counters: Counters::default(),
        }
    }

    /// Whether a record of at most `size` bytes can be taken at all.
    pub(super) fn admit(&self, size: usize) -> Result<()> {
        if self.phase.refusing.load(Ordering::Relaxed) {
            return Err(Error::cancelled("the producer is closed"));
        }
        let most = self.settings.max_request_size.min(self.buffer_memory);
        if size > most {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a record of {size} bytes is larger than {most}. Send less, or raise max_request_size or buffer_memory"
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn known_topic(&self, name: &str) -> Option<Arc<TopicQueues>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Gives `act` the topic, if it is known. Borrowed, not counted: this is the way of every record.
    #[inline]
    pub(super) fn with_topic<T>(&self, name: &str, act: impl FnOnce(&TopicQueues) -> T) -> Option<T> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).map(|topic| act(topic))
    }

    pub(super) async fn learn_topic(&self, name: &str) -> Result<Arc<TopicQueues>> {
        let topic = self.cluster.topic(name).await?;
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let queues = topics.entry(topic.name.clone()).or_insert_with(|| {
            let settings = &self.settings;
            let count = topic.partition_count();
            Arc::new(TopicQueues::new(
                topic.name.clone(),
                count,
                settings.partitioner,
                settings.batching.size,
            ))
        });
        Ok(queues.clone())
    }

    /// Takes in partitions added since.
    pub(super) fn grow_topics(&self) {
        for topic in self
            .topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            if let Some(known) = self.cluster.known_topic(&topic.name) {
                topic.grow(known.partition_count());
            }
        }
    }

    pub(super) fn try_reserve(&self, size: usize) -> bool {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        self.space
            .try_acquire_many(size)
            .map(tokio::sync::SemaphorePermit::forget)
            .is_ok()
    }

    /// Waits until `size` bytes were free; they are not kept for the caller.
    pub(super) async fn wait_for_space(&self, size: usize) -> Result<()> {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        match self.space.acquire_many(size).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::cancelled(
                "the producer was closed while waiting for buffer space",
            )),
        }
    }

    pub(super) fn open_completion(&self, queue: &PartitionQueue) -> Arc<Completion> {
        let number = self.counters.next_batch.fetch_add(1, Ordering::Relaxed);
        let completion = Completion::new(number, queue.topic.clone(), queue.partition);
        lock(&self.live).insert(number, completion.clone());
        completion
    }

    pub(super) fn introduce(&self, queue: Arc<PartitionQueue>) {
        lock(&self.newcomers).push(queue);
        self.wake.notify_one();
    }

    pub(super) fn newcomers(&self) -> Vec<Arc<PartitionQueue>> {
        std::mem::take(&mut *lock(&self.newcomers))
    }

    /// Settles a batch: tells its records, frees its space.
    pub(super) fn complete(&self, batch: &super::request::SendBatch, outcome: Result<Stored>) {
        let counter = if outcome.is_ok() {
            &self.counters.records_acked
        } else {
            &self.counters.records_failed
        };
        counter.fetch_add(u64::from(batch.records), Ordering::Relaxed);
        lock(&self.live).remove(&batch.completion.number);
        batch.completion.complete(outcome);
        self.space.add_permits(batch.reserved);
    }

    pub(super) fn has_live(&self) -> bool {
        !lock(&self.live).is_empty()
    }

    pub(super) async fn flush(&self, timeout: Duration) -> Result<()> {
        struct Flushing<'a>(&'a AtomicUsize);
        impl Drop for Flushing<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::AcqRel);
            }
        }
        self.phase.flushing.fetch_add(1, Ordering::AcqRel);
        let _flushing = Flushing(&self.phase.flushing);
        let waiting: Vec<Arc<Completion>> = lock(&self.live).values().cloned().collect();
        self.wake.notify_one();
        let all = async {
            for completion in &waiting {
                // Only the end counts here, not how it went.
                let _ = completion.delivery(0, 0).await;
            }
        };
        if tokio::time::timeout(timeout, all).await.is_ok() {
            return Ok(());
        }
        let left = waiting.iter().filter(|completion| !completion.is_done()).count();
        Err(Error::timeout(format!(
            "flush: {left} batches were not acknowledged within {timeout:?}"
        )))
    }

    pub(super) fn refuse_more(&self) {
        self.phase.refusing.store(true, Ordering::Release);
        self.space.close();
    }

    pub(super) fn stop_when_empty(&self) {
        self.phase.stop_when_empty.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn stop_now(&self) {
        self.phase.stop_now.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// The sender's last act: whatever is left fails.
    pub(super) fn end(&self) {
        self.refuse_more();
        let left: Vec<Arc<Completion>> = lock(&self.live)
            .drain()
            .map(|(_, completion)| completion)
            .collect();
        for completion in left {
            completion.complete(Err(Error::cancelled(
                "the producer was closed before the record was acknowledged",
            )));
        }
        self.phase.stopped.store(true, Ordering::Release);
        self.phase.ended.notify_waiters();
    }

    /// Waits for the sender to end, at most until `until`.
    pub(super) async fn stopped(&self, until: Instant) {
        let ended = self.phase.ended.notified();
        tokio::pin!(ended);
        ended.as_mut().enable();
        if !self.phase.stopped.load(Ordering::Acquire) {
            // Past the deadline the sender is left to end by itself.
            let _ = tokio::time::timeout_at(until, ended).await;
        }
    }

    pub(super) fn stats(&self) -> ProducerStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let free = self.space.available_permits();
        ProducerStats {
            records_acked: get(&self.counters.records_acked),
            records_failed: get(&self.counters.records_failed),
            bytes_sent: get(&self.counters.bytes_sent),
            batches_sent: get(&self.counters.batches_sent),
            batches_retried: get(&self.counters.batches_retried),
            requests: get(&self.counters.requests),
            bytes_buffered: self.buffer_memory.saturating_sub(free) as u64,
        }
    }
}
