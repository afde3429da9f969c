//! One producer of the load, on a thread of its own: it makes records, and never waits but for buffer space.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tidemill_client::{Producer, Record, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;
use super::figures::Latency;
use super::pace::{self, Schedule};
use super::payload::{Kind, Payloads, Stamp};
use super::settle::Sample;

/// Records that share a look at the clock when they are sent as fast as they go.
const TOGETHER: u64 = 32;

/// What the generators and those who look after them tell each other.
#[derive(Default)]
pub(super) struct Signals {
    /// Records put in line so far.
    pub(super) sent: AtomicU64,
    /// Something failed: there is no point in going on.
    pub(super) stop: AtomicBool,
}

/// Who the generator is, and what it is to do.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) topic: Arc<str>,
    pub(super) run: u64,
    /// From 0.
    pub(super) producer: u32,
    pub(super) producers: u32,
    /// At most this many records.
    pub(super) records: u64,
    /// None that is due, or made, at this time or later.
    pub(super) until_ns: u64,
    /// As fast as it goes, if there is none.
    pub(super) schedule: Option<Schedule>,
    /// Bytes sent to one partition before it is the next one's turn.
    pub(super) turn_bytes: usize,
    /// One in so many records has its acknowledgement timed.
    pub(super) stride: u64,
}

/// One producer of the load.
pub(super) struct Generator {
    pub(super) task: Task,
    pub(super) producer: Producer,
    pub(super) payloads: Payloads,
    pub(super) lanes: Lanes,
    pub(super) clock: Clock,
    pub(super) signals: Arc<Signals>,
    pub(super) samples: UnboundedSender<Sample>,
    pub(super) runtime: Handle,
}

/// What one generator did.
pub(super) struct Generated {
    pub(super) records: u64,
    /// The last words it said, one in each partition.
    pub(super) ends: u64,
    /// How long after they were due its records were put in line.
    pub(super) delay: Latency,
}

/// The partitions, each filled for a while: batches come out whole.
pub(super) struct Lanes {
    next: Vec<u64>,
    at: usize,
    used: usize,
}

impl Lanes {
    /// `first` is the partition to begin with, so that producers do not all begin with the same.
    pub(super) fn new(partitions: usize, first: u32) -> Self {
        let partitions = partitions.max(1);
        Self {
            next: vec![0; partitions],
            at: first as usize % partitions,
            used: 0,
        }
    }

    /// The partition of the next record, and its number there.
    fn take(&mut self, bytes: usize, turn_bytes: usize) -> (i32, u64) {
        if self.used + bytes > turn_bytes {
            self.used = 0;
            self.at = if self.at + 1 == self.next.len() {
                0
            } else {
                self.at + 1
            };
        }
        self.used += bytes;
        let next = &mut self.next[self.at];
        let number = *next;
        *next += 1;
        (partition(self.at), number)
    }
}

fn partition(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

impl Generator {
    /// Sends everything and says how much it was. Blocks; must not run on a thread of the runtime.
    ///
    /// # Errors
    /// Whatever keeps a record from being put in line. That it was stored is for others to see.
    pub(super) fn run(mut self) -> Result<Generated> {
        let mut delay = Latency::new();
        let records = match self.task.schedule {
            None => self.run_freely()?,
            Some(schedule) => self.run_paced(schedule, &mut delay)?,
        };
        let ends = std::mem::take(&mut self.lanes.next);
        for (index, count) in ends.iter().enumerate() {
            // Whether it was stored shows in the producer's counts.
            drop(self.put(Kind::End, (partition(index), *count), self.clock.now_ns())?);
        }
        Ok(Generated {
            records,
            ends: ends.len() as u64,
            delay,
        })
    }

    fn run_freely(&mut self) -> Result<u64> {
        let mut sent = 0;
        while sent < self.task.records {
            let now = self.clock.now_ns();
            if now >= self.task.until_ns || self.stopped() {
                break;
            }
            let count = TOGETHER.min(self.task.records - sent);
            for number in sent..sent + count {
                self.put_data(number, now)?;
            }
            sent += count;
            self.signals.sent.fetch_add(count, Ordering::Relaxed);
        }
        Ok(sent)
    }

    fn run_paced(&mut self, schedule: Schedule, delay: &mut Latency) -> Result<u64> {
        pace::sharpen_sleep();
        for number in 0..self.task.records {
            let due = schedule.due_ns(number);
            if due >= self.task.until_ns {
                return Ok(number);
            }
            pace::sleep_until(&self.clock, due, || self.stopped());
            if self.stopped() {
                return Ok(number);
            }
            delay.record(self.clock.now_ns().saturating_sub(due));
            self.put_data(number, due)?;
            self.signals.sent.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self.task.records)
    }

    fn stopped(&self) -> bool {
        self.signals.stop.load(Ordering::Relaxed)
    }

    #[inline]
    fn put_data(&mut self, number: u64, at_ns: u64) -> Result<()> {
        let place = self.lanes.take(self.payloads.size(), self.task.turn_bytes);
        let delivery = self.put(Kind::Data, place, at_ns)?;
        if number.is_multiple_of(self.task.stride) {
            // Only fails when nobody times acknowledgements any more, after a failure.
            let _ = self.samples.send(Sample { delivery, at_ns });
        }
        Ok(())
    }

    #[inline]
    fn put(
        &mut self,
        kind: Kind,
        (partition, sequence): (i32, u64),
        at_ns: u64,
    ) -> Result<tidemill_client::Delivery> {
        let stamp = Stamp {
            run: self.task.run,
            producer: self.task.producer,
            producers: self.task.producers,
            sequence,
            at_ns,
            kind,
        };
        let record = Record {
            topic: &self.task.topic,
            partition: Some(partition),
            value: Some(self.payloads.stamped(&stamp)),
            timestamp: i64::try_from(at_ns / 1_000_000).ok(),
            ..Record::default()
        };
        match self.producer.try_enqueue(&record)? {
            Some(delivery) => Ok(delivery),
            None => self.runtime.block_on(self.producer.enqueue(record)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;

    #[test]
    fn partitions_take_turns_and_count_for_themselves() {
        let mut lanes = Lanes::new(3, 2);
        let places: Vec<_> = (0..7).map(|_| lanes.take(100, 250)).collect();
        assert_eq!(places, [(2, 0), (2, 1), (0, 0), (0, 1), (1, 0), (1, 1), (2, 2)]);
        let mut large = Lanes::new(2, 0);
        assert_eq!([large.take(9, 5), large.take(9, 5)].map(|place| place.1), [0, 0]);
    }
}
