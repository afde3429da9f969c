//! What is known of each idempotent producer, so that a batch sent twice is stored once (KIP-98).

mod snapshot;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use tidemill_wire::batch::BatchHeader;

use crate::error::AppendError;

pub(crate) use snapshot::{discard, encode, load, save};

/// A client may have this many batches in flight; each may be sent again. Kafka's number.
const REMEMBERED: usize = 5;

/// What a batch is, seen from its producer's sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// It continues: store it.
    Next,
    /// It was stored before, at this base offset.
    Duplicate {
        base_offset: i64,
        next_offset: i64,
        timestamp: i64,
    },
}

/// One stored batch of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    next_offset: i64,
    timestamp: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    /// When it last wrote, in the server's wall milliseconds.
    seen_ms: i64,
    /// Newest last.
    batches: VecDeque<Stored>,
}

/// A producer as an operator sees it (`DescribeProducers`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerInfo {
    /// Producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// Sequence of the last record stored; -1 when none is remembered.
    pub last_sequence: i32,
    /// Timestamp of its last batch, in milliseconds.
    pub last_timestamp: i64,
}

/// All producers of one partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    by_id: FxHashMap<i64, Producer>,
    /// Whether anything was stored since the last save.
    changed: bool,
}

impl Producers {
    /// Says whether `header`'s batch continues its producer's sequence.
    pub(crate) fn check(&self, header: &BatchHeader) -> Result<Sequence, AppendError> {
        // A producer that is not known, or whose batches are forgotten, may go on from any sequence:
        // its records may have been removed by retention.
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            return Ok(Sequence::Next);
        };
        if header.producer_epoch < producer.epoch {
            return Err(AppendError::FencedProducer {
                producer_id: header.producer_id,
                epoch: header.producer_epoch,
                current: producer.epoch,
            });
        }
        let expected = if header.producer_epoch > producer.epoch {
            0
        } else {
            let same = |stored: &&Stored| {
                stored.first_sequence == header.base_sequence
                    && stored.last_sequence == header.last_sequence()
            };
            if let Some(stored) = producer.batches.iter().find(same) {
                let Stored {
                    base_offset,
                    next_offset,
                    timestamp,
                    ..
                } = *stored;
                return Ok(Sequence::Duplicate {
                    base_offset,
                    next_offset,
                    timestamp,
                });
            }
            match producer.batches.back() {
                Some(last) => following(last.last_sequence),
                None => header.base_sequence,
            }
        };
        if header.base_sequence == expected {
            return Ok(Sequence::Next);
        }
        Err(AppendError::OutOfOrderSequence {
            producer_id: header.producer_id,
            sequence: header.base_sequence,
            expected,
        })
    }

    /// Remembers a batch that was stored.
    pub(crate) fn stored(&mut self, header: &BatchHeader, base_offset: i64, seen_ms: i64) {
        let fresh = || Producer {
            epoch: header.producer_epoch,
            seen_ms,
            batches: VecDeque::new(),
        };
        let producer = self.by_id.entry(header.producer_id).or_insert_with(fresh);
        if producer.epoch != header.producer_epoch {
            *producer = fresh();
        }
        producer.seen_ms = seen_ms;
        self.changed = true;
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Stored {
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset,
            next_offset: base_offset + i64::from(header.last_offset_delta) + 1,
            timestamp: header.max_timestamp,
        });
    }

    /// The base offset of each producer's last remembered batch below `upto`.
    pub(crate) fn last_offsets(&self, upto: i64) -> FxHashMap<i64, i64> {
        let last = |(id, producer): (&i64, &Producer)| {
            let mut newest_first = producer.batches.iter().rev();
            let below = newest_first.find(|stored| stored.next_offset <= upto)?;
            Some((*id, below.base_offset))
        };
        self.by_id.iter().filter_map(last).collect()
    }

    /// Forgets who has not written since `before_ms`.
    pub(crate) fn expire(&mut self, before_ms: i64) {
        self.by_id.retain(|_, producer| producer.seen_ms >= before_ms);
    }

    /// Whether there is something to save; it then counts as saved.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What [`Producers::take_changed`] gave was not saved.
    pub(crate) fn mark_changed(&mut self) {
        self.changed = true;
    }

    pub(crate) fn describe(&self) -> Vec<ProducerInfo> {
        let mut all: Vec<ProducerInfo> = self
            .by_id
            .iter()
            .map(|(id, producer)| ProducerInfo {
                producer_id: *id,
                epoch: producer.epoch,
                last_sequence: producer.batches.back().map_or(-1, |last| last.last_sequence),
                last_timestamp: producer.batches.back().map_or(-1, |last| last.timestamp),
            })
            .collect();
        all.sort_unstable_by_key(|info| info.producer_id);
        all
    }
}

/// Sequences wrap from the largest to 0.
fn following(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

#[cfg(test)]
mod tests;
