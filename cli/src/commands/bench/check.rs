//! Sees that every record of a benchmark comes, once, and in the order it was sent.

mod sequence;

use std::collections::BTreeMap;

use tidemill_client::{Records, Result as ClientResult};

use super::payload::{Kind, Stamp};
use crate::error::Failure;
use sequence::Sequence;

/// What is told of a failure at most.
const MOST_LINES: usize = 8;

/// How much of a run is expected to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// From its first record to its last.
    Whole,
    /// From its first record on.
    Beginning,
    /// From whatever record comes first, on.
    Middle,
}

/// The records seen so far.
pub(super) struct Check {
    /// Look at this run alone.
    only: Option<u64>,
    extent: Extent,
    partitions: Vec<Partition>,
    runs: BTreeMap<u64, Run>,
    /// Records that count, and the bytes of their values.
    pub(super) records: u64,
    pub(super) bytes: u64,
    foreign: u64,
}

struct Partition {
    last_offset: i64,
    backwards: u64,
    streams: Vec<Stream>,
    /// The stream that the last record was of: the next one is most likely of the same.
    current: usize,
}

/// What one producer sent to one partition.
struct Stream {
    run: u64,
    producer: u32,
    sequence: Sequence,
    /// How many records there are, by the producer's last word.
    end: Option<u64>,
}

#[derive(Clone, Copy)]
struct Run {
    producers: u32,
    ends: u64,
}

impl Check {
    pub(super) fn new(partitions: usize, extent: Extent, only: Option<u64>) -> Self {
        let partition = || Partition {
            last_offset: -1,
            backwards: 0,
            streams: Vec::new(),
            current: 0,
        };
        Self {
            only,
            extent,
            partitions: std::iter::repeat_with(partition).take(partitions).collect(),
            runs: BTreeMap::new(),
            records: 0,
            bytes: 0,
            foreign: 0,
        }
    }

    /// Takes in records of one partition; `seen` gets when each was sent, in nanoseconds since the epoch.
    ///
    /// # Errors
    /// A record that cannot be parsed.
    pub(super) fn take(&mut self, records: &Records, mut seen: impl FnMut(u64)) -> ClientResult<()> {
        let (only, joined) = (self.only, self.extent == Extent::Middle);
        let at = usize::try_from(records.partition()).unwrap_or(usize::MAX);
        let Some(partition) = self.partitions.get_mut(at) else {
            return Ok(());
        };
        let (mut count, mut bytes, mut foreign) = (0, 0, 0);
        let mut ends: Vec<Stamp> = Vec::new();
        records.for_each(|record| {
            let value = record.value.unwrap_or_default();
            partition.backwards += u64::from(record.offset <= partition.last_offset);
            partition.last_offset = record.offset;
            let Some(stamp) = Stamp::read(value) else {
                foreign += 1;
                return;
            };
            if only.is_some_and(|run| run != stamp.run) {
                return;
            }
            let stream = partition.stream(&stamp, joined);
            match stamp.kind {
                Kind::Data => {
                    stream.sequence.note(stamp.sequence);
                    count += 1;
                    bytes += value.len() as u64;
                    seen(stamp.at_ns);
                }
                Kind::End if stream.end.is_some() => stream.sequence.repeat(),
                Kind::End => {
                    stream.sequence.reach(stamp.sequence);
                    stream.end = Some(stamp.sequence);
                    ends.push(stamp);
                }
            }
        })?;
        self.records += count;
        self.bytes += bytes;
        self.foreign += foreign;
        let begun = partition.streams.iter().map(|stream| (stream.run, 0));
        for (run, producers) in begun.chain(ends.iter().map(|end| (end.run, end.producers))) {
            let known = self.runs.entry(run).or_insert(Run { producers, ends: 0 });
            known.producers = known.producers.max(producers);
            known.ends += u64::from(producers > 0);
        }
        Ok(())
    }

    /// Whether a run has been seen, and all that were have ended in every partition.
    pub(super) fn all_ended(&self) -> bool {
        let partitions = self.partitions.len() as u64;
        let ended = |run: &Run| run.producers > 0 && run.ends == u64::from(run.producers) * partitions;
        !self.runs.is_empty() && self.runs.values().all(ended)
    }

    /// The runs seen.
    pub(super) fn runs(&self) -> impl Iterator<Item = u64> {
        self.runs.keys().copied()
    }

    /// Fails if anything is not as it was sent.
    ///
    /// # Errors
    /// [`Failure`] that lists what is lost, came more than once or out of order.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let mut problems = Vec::new();
        if self.foreign > 0 {
            problems.push(format!(
                "{} records are not whole records of `tidemill bench`",
                self.foreign
            ));
        }
        for (number, partition) in self.partitions.iter().enumerate() {
            if partition.backwards > 0 {
                problems.push(format!(
                    "partition {number}: offsets went back {} times",
                    partition.backwards
                ));
            }
            for stream in &partition.streams {
                let wrong = stream.problems();
                if !wrong.is_empty() {
                    problems.push(format!(
                        "{}: {}",
                        place(number, stream.run, stream.producer),
                        wrong.join("; ")
                    ));
                }
            }
            if self.extent == Extent::Whole {
                problems.extend(self.without_end(number, partition));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let more = problems.len().saturating_sub(MOST_LINES);
        problems.truncate(MOST_LINES);
        if more > 0 {
            problems.push(format!("and {more} more like these"));
        }
        let message = format!(
            "the check failed, so there is no figure\n  {}",
            problems.join("\n  ")
        );
        Err(Failure::new(Failure::DAMAGED, message))
    }

    /// The producers whose last word is missing in a partition.
    fn without_end(&self, number: usize, partition: &Partition) -> Vec<String> {
        let ended = |run: u64, producer: u32| {
            let of = |stream: &&Stream| stream.run == run && stream.producer == producer;
            partition
                .streams
                .iter()
                .find(of)
                .is_some_and(|stream| stream.end.is_some())
        };
        let mut problems = Vec::new();
        for (&run, &Run { producers, .. }) in &self.runs {
            // How many producers there are is known from those that ended elsewhere, at least from those seen here.
            let here = partition.streams.iter().filter(|stream| stream.run == run);
            let producers = here
                .map(|stream| stream.producer + 1)
                .max()
                .unwrap_or(0)
                .max(producers);
            for producer in (0..producers).filter(|producer| !ended(run, *producer)) {
                problems.push(format!(
                    "{}: no end; its last records are lost, or `bench produce` was stopped",
                    place(number, run, producer)
                ));
            }
        }
        problems
    }
}

fn place(partition: usize, run: u64, producer: u32) -> String {
    format!("partition {partition}, run {run:016x}, producer {producer}")
}

impl Partition {
    /// The stream a record is of.
    #[inline]
    fn stream(&mut self, stamp: &Stamp, joined: bool) -> &mut Stream {
        let is_its = |stream: &Stream| stream.run == stamp.run && stream.producer == stamp.producer;
        if !self.streams.get(self.current).is_some_and(is_its) {
            self.current = self.streams.iter().position(is_its).unwrap_or(self.streams.len());
        }
        if self.current == self.streams.len() {
            let first = if joined { stamp.sequence } else { 0 };
            let sequence = Sequence::from(first);
            self.streams.push(Stream {
                run: stamp.run,
                producer: stamp.producer,
                sequence,
                end: None,
            });
        }
        &mut self.streams[self.current]
    }
}

impl Stream {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.sequence.problems();
        if let Some(end) = self.end.filter(|end| self.sequence.next() > *end) {
            problems.push(format!(
                "{} beyond the {end} that were sent",
                self.sequence.next() - end
            ));
        }
        problems
    }
}
