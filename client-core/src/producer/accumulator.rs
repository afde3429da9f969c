//! Where records wait: the open batch of each partition, and those that are full.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tidemill_wire::batch::{BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use tokio::time::Instant;

use super::delivery::{Completion, Delivery};
use super::partitioner::{Choice, Partitioner};
use super::record::Record;

/// One topic's partitions.
pub(super) struct TopicQueues {
    pub(super) name: Arc<str>,
    choice: Choice,
    partitions: RwLock<Vec<Arc<PartitionQueue>>>,
}

impl TopicQueues {
    pub(super) fn new(name: Arc<str>, count: i32, partitioner: Partitioner, batch_size: usize) -> Self {
        let topic = Self {
            name,
            choice: Choice::new(partitioner, batch_size),
            partitions: RwLock::default(),
        };
        topic.grow(count);
        topic
    }

    /// Takes in that the topic has `count` partitions now. Never shrinks.
    pub(super) fn grow(&self, count: i32) {
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        let have = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        if have < count {
            let more =
                (have..count).map(|partition| Arc::new(PartitionQueue::new(self.name.clone(), partition)));
            partitions.extend(more);
        }
    }

    pub(super) fn partition_count(&self) -> usize {
        self.partitions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Gives `act` the queue for a record; `None` if the record names a partition that is not there. Borrowed, not
    /// counted: this is the way of every record.
    #[inline]
    pub(super) fn with_queue<T>(
        &self,
        record: &Record<'_>,
        size: usize,
        act: impl FnOnce(&Arc<PartitionQueue>) -> T,
    ) -> Option<T> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let index = match record.partition {
            Some(partition) => usize::try_from(partition).ok()?,
            None => {
                let count = u32::try_from(partitions.len()).ok().filter(|count| *count > 0)?;
                self.choice.choose(record.key, size, count) as usize
            }
        };
        partitions.get(index).map(act)
    }
}

/// The records of one partition that the sender has not taken yet.
pub(super) struct PartitionQueue {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    state: Mutex<QueueState>,
    /// Whether the sender has been told of this partition.
    pub(super) known_to_sender: AtomicBool,
}

#[derive(Default)]
pub(super) struct QueueState {
    open: Option<OpenBatch>,
    full: VecDeque<OpenBatch>,
    /// How large the last batch grew: the next one gets that room at once and is not moved as it grows.
    expected: usize,
}

/// A batch that still takes records, or waits to be sent.
pub(super) struct OpenBatch {
    pub(super) builder: BatchBuilder,
    pub(super) completion: Arc<Completion>,
    pub(super) opened: Instant,
    /// What its records were counted as against the producer's memory.
    pub(super) reserved: usize,
    pub(super) records: u32,
}

/// How batches are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batching {
    pub(super) size: usize,
    pub(super) compression: Compression,
    pub(super) level: Option<i32>,
}

/// What an append changed, for whoever wakes the sender.
pub(super) struct Appended {
    pub(super) delivery: Delivery,
    /// A batch was opened or became full: the sender should look.
    pub(super) wake: bool,
}

/// Most records in one batch: their offset deltas are 32 bits wide, and nobody wants a batch near that.
const MOST_RECORDS: u32 = 1 << 20;

impl PartitionQueue {
    fn new(topic: Arc<str>, partition: i32) -> Self {
        Self {
            topic,
            partition,
            state: Mutex::default(),
            known_to_sender: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record whose size is at most `size`. `open` makes the completion of a new batch.
    pub(super) fn append(
        &self,
        record: &RecordData<'_>,
        size: usize,
        batching: Batching,
        open: impl FnOnce(&Self) -> Arc<Completion>,
    ) -> Appended {
        let mut state = self.lock();
        let mut wake = false;
        if let Some(full) = state.open.take_if(|batch| {
            batch.builder.estimated_size() + size > batching.size || batch.records >= MOST_RECORDS
        }) {
            state.expected = full.builder.estimated_size();
            state.full.push_back(full);
            wake = true;
        }
        let expected = state.expected;
        let batch = state.open.get_or_insert_with(|| {
            wake = true;
            OpenBatch::new(open(self), batching, expected)
        });
        batch.builder.append(record);
        let delivery = batch.completion.delivery(batch.records, record.timestamp);
        batch.records += 1;
        batch.reserved += size;
        Appended { delivery, wake }
    }

    /// Takes the next batch to send. An open one only if `open_too` says so, given when it was opened.
    pub(super) fn take(&self, open_too: impl FnOnce(Instant) -> bool) -> Option<OpenBatch> {
        let mut state = self.lock();
        if let Some(batch) = state.full.pop_front() {
            return Some(batch);
        }
        let batch = state.open.take_if(|batch| open_too(batch.opened))?;
        state.expected = batch.builder.estimated_size();
        Some(batch)
    }

    /// Takes the oldest batch, full or open, if `wanted` says so, given when it was opened.
    pub(super) fn take_if(&self, wanted: impl Fn(Instant) -> bool) -> Option<OpenBatch> {
        let mut state = self.lock();
        match state.full.front() {
            Some(batch) if wanted(batch.opened) => state.full.pop_front(),
            Some(_) => None,
            None if state.open.as_ref().is_some_and(|batch| wanted(batch.opened)) => state.open.take(),
            None => None,
        }
    }

    /// Whether a full batch waits, and when the open one was opened.
    pub(super) fn waiting(&self) -> (bool, Option<Instant>) {
        let state = self.lock();
        (
            !state.full.is_empty(),
            state.open.as_ref().map(|batch| batch.opened),
        )
    }

    /// Tells whether the sender is still to be told of this partition, and notes that it is.
    pub(super) fn introduce(&self) -> bool {
        !self.known_to_sender.load(Ordering::Relaxed) && !self.known_to_sender.swap(true, Ordering::AcqRel)
    }
}

impl OpenBatch {
    fn new(completion: Arc<Completion>, batching: Batching, expected: usize) -> Self {
        // A little more than last time, for batches are never quite the same.
        let room = (expected + expected / 16).min(batching.size);
        let builder = BatchBuilder::with_buffer(batching.compression, Vec::with_capacity(room));
        Self {
            builder: builder.with_level(batching.level),
            completion,
            opened: Instant::now(),
            reserved: 0,
            records: 0,
        }
    }
}
