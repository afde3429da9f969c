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
    partitions: RwLock<Arc<[Arc<PartitionQueue>]>>,
}

impl TopicQueues {
    pub(super) fn new(name: Arc<str>, count: i32, partitioner: Partitioner, batch_size: usize) -> Self {
        let topic = Self {
            name,
            choice: Choice::new(partitioner, batch_size),
            partitions: RwLock::new(Arc::from(Vec::new())),
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
            *partitions = partitions.iter().cloned().chain(more).collect();
        }
    }

    pub(super) fn partition_count(&self) -> usize {
        self.partitions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// The queue for a record; `None` if it names a partition that is not there.
    pub(super) fn queue_for(&self, record: &Record<'_>, size: usize) -> Option<Arc<PartitionQueue>> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let index = match record.partition {
            Some(partition) => usize::try_from(partition).ok()?,
            None => {
                let count = u32::try_from(partitions.len()).ok().filter(|count| *count > 0)?;
                self.choice.choose(record.key, size, count) as usize
            }
        };
        partitions.get(index).cloned()
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
}

/// A batch that still takes records, or waits to be sent.
pub(super) struct OpenBatch {
    pub(super) builder: BatchBuilder,
    pub(super) completion: Arc<Completion>,
    pub(super) opened: Instant,
    /// What its records were counted as against the producer's memory.
    pub(super) reserved: usize,
    pub(super) records: u32,
    /// The largest it may have grown to.
    bound: usize,
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
        if state
            .open
            .as_ref()
            .is_some_and(|batch| batch.bound + size > batching.size || batch.records >= MOST_RECORDS)
        {
            let full = state.open.take();
            state.full.extend(full);
            wake = true;
        }
        let batch = state.open.get_or_insert_with(|| {
            wake = true;
            OpenBatch::new(open(self), batching)
        });
        batch.builder.append(record);
        let delivery = batch.completion.delivery(batch.records, record.timestamp);
        batch.records += 1;
        batch.reserved += size;
        batch.bound += size;
        Appended { delivery, wake }
    }

    /// Takes the next batch to send. An open one only if `open_too` says so, given when it was opened.
    pub(super) fn take(&self, open_too: impl FnOnce(Instant) -> bool) -> Option<OpenBatch> {
        let mut state = self.lock();
        if let Some(batch) = state.full.pop_front() {
            return Some(batch);
        }
        if state.open.as_ref().is_some_and(|batch| open_too(batch.opened)) {
            return state.open.take();
        }
        None
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
    fn new(completion: Arc<Completion>, batching: Batching) -> Self {
        let builder = BatchBuilder::new(batching.compression).with_level(batching.level);
        let bound = tidemill_wire::batch::HEADER_LEN;
        Self {
            builder,
            completion,
            opened: Instant::now(),
            reserved: 0,
            records: 0,
            bound,
        }
    }
}
