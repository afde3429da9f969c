//! Where each assigned partition stands: fetched to here, handed out to there. No IO.

use std::collections::VecDeque;
use std::sync::Arc;

use tidemill_wire::batch::Batch;

use super::builder::Start;
use crate::error::Error;

/// One assigned partition.
pub(crate) struct Assigned {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    /// Changes with every seek and assignment: what was asked for under another number is thrown away.
    pub(crate) generation: u64,
    /// Where to begin, until it is looked up.
    pub(crate) start: Option<Start>,
    /// Where the next fetch begins.
    pub(crate) fetch_position: i64,
    /// The offset after the last record handed out.
    pub(crate) position: i64,
    /// With `stop_at_end`: where to stop.
    pub(crate) end: Option<i64>,
    pub(crate) high_watermark: i64,
    pub(crate) log_start: i64,
    pub(crate) paused: bool,
    pub(crate) buffered: VecDeque<Batch>,
    pub(crate) buffered_bytes: usize,
    /// After a failure: no fetch before this time.
    pub(crate) rest_until: Option<tokio::time::Instant>,
    pub(crate) missing_since: Option<tokio::time::Instant>,
}

/// All of them, and what the reader must be told.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) partitions: Vec<Assigned>,
    next_generation: u64,
    /// Where the next look for data begins, so that no partition starves.
    turn: usize,
    /// The first failure the reader has not been told of.
    pub(crate) failure: Option<Error>,
    /// The fetcher left partitions out because their buffers were full.
    pub(crate) held_back: bool,
}

/// What a reader gets from the buffers.
pub(crate) struct Taken {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) generation: u64,
    pub(crate) from: i64,
    pub(crate) high_watermark: i64,
    pub(crate) batches: Vec<Batch>,
}

impl Assigned {
    /// Whether everything up to the end seen at the start has been handed out.
    pub(crate) fn is_finished(&self) -> bool {
        self.start.is_none() && self.end.is_some_and(|end| self.position >= end)
    }

    /// Takes in that reading begins, or goes on, at `offset`.
    pub(crate) fn resolved(&mut self, offset: i64, end: Option<i64>) {
        self.start = None;
        self.fetch_position = offset;
        self.position = offset;
        self.end = self.end.or(end);
    }

    fn drop_buffer(&mut self) {
        self.buffered.clear();
        self.buffered_bytes = 0;
    }
}

impl State {
    /// Adds a partition, or starts it over if it is assigned.
    pub(crate) fn assign(&mut self, topic: Arc<str>, partition: i32, start: Start) {
        self.unassign(&topic, partition);
        self.next_generation += 1;
        self.partitions.push(Assigned {
            topic,
            partition,
            generation: self.next_generation,
            start: Some(start),
            fetch_position: -1,
            position: -1,
            end: None,
            high_watermark: -1,
            log_start: -1,
            paused: false,
            buffered: VecDeque::new(),
            buffered_bytes: 0,
            rest_until: None,
            missing_since: None,
        });
    }

    pub(crate) fn unassign(&mut self, topic: &str, partition: i32) {
        self.partitions
            .retain(|assigned| assigned.partition != partition || &*assigned.topic != topic);
    }

    /// Starts a partition over at `start`, keeping whether it is paused. `false` if it is not assigned.
    pub(crate) fn seek(&mut self, topic: &str, partition: i32, start: Start) -> bool {
        self.next_generation += 1;
        let generation = self.next_generation;
        let Some(assigned) = self.find(topic, partition) else {
            return false;
        };
        assigned.generation = generation;
        assigned.start = Some(start);
        assigned.rest_until = None;
        assigned.drop_buffer();
        true
    }

    pub(crate) fn find(&mut self, topic: &str, partition: i32) -> Option<&mut Assigned> {
        self.partitions
            .iter_mut()
            .find(|assigned| assigned.partition == partition && &*assigned.topic == topic)
    }

    /// The partition, if nothing has changed it since `generation`.
    pub(crate) fn find_current(
        &mut self,
        topic: &str,
        partition: i32,
        generation: u64,
    ) -> Option<&mut Assigned> {
        self.find(topic, partition)
            .filter(|assigned| assigned.generation == generation)
    }

    /// Bytes at hand that the reader may take. What is paused, or beyond the end, must not keep others from
    /// being fetched.
    pub(crate) fn wanted_bytes(&self) -> usize {
        self.partitions
            .iter()
            .filter(|assigned| !assigned.paused && !assigned.is_finished())
            .map(|assigned| assigned.buffered_bytes)
            .sum()
    }

    /// Takes whole batches of the next partition that has some: as many as hold `max_records`, and always one.
    pub(crate) fn take(&mut self, max_records: usize) -> Option<Taken> {
        let count = self.partitions.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            let Some(assigned) = self.partitions.get_mut(at) else {
                continue;
            };
            if assigned.paused
                || assigned.buffered.is_empty()
                || assigned.start.is_some()
                || assigned.is_finished()
            {
                continue;
            }
            self.turn = (at + 1) % count;
            return Some(assigned.take(max_records));
        }
        None
    }
}

impl Assigned {
    fn take(&mut self, max_records: usize) -> Taken {
        let mut batches = Vec::new();
        let mut records = 0;
        let from = self.position;
        while let Some(batch) = self.buffered.front() {
            let count = usize::try_from(batch.header.record_count).unwrap_or(0);
            let past_end = self.end.is_some_and(|end| batch.header.base_offset >= end);
            if !batches.is_empty() && (records + count > max_records || past_end) {
                break;
            }
            records += count;
            self.position = self.position.max(batch.header.next_offset());
            self.buffered_bytes = self.buffered_bytes.saturating_sub(batch.bytes.len());
            batches.extend(self.buffered.pop_front());
        }
        Taken {
            topic: self.topic.clone(),
            partition: self.partition,
            generation: self.generation,
            from,
            high_watermark: self.high_watermark,
            batches,
        }
    }
}
