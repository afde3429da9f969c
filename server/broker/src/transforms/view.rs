//! Reading a view: its source's batches, run through its chain.
//!
//! Offsets are the source's. A look scans on over what is left out, in rounds of bounded size, so that the partitions
//! of one fetch take turns.

use bytes::Bytes;
use tidemill_metadata::ViewImage;
use tidemill_modules::Done;
use tidemill_partition::Partition;
use tidemill_smartengine::{Chain, ChainError, DeadLetter, Output, Place, StepReport};
use tidemill_wire::batch::{self, Batch};

use super::streams::Attached;
use super::{chain_failure, failure, gaps, look_back, run_failure};
use crate::broker::Broker;
use crate::errors::Failure;

/// Bytes of the source that are read at once.
const CHUNK: usize = 1 << 20;
/// Bytes of the source that one look scans.
const ROUND: usize = 4 << 20;
/// Bytes that are enough for one look, where more are wanted.
const ENOUGH: usize = 256 << 10;

/// What is wanted of a partition of a view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// From which offset on; it is in the log.
    pub(crate) from: i64,
    /// How many bytes; the first batch comes whole.
    pub(crate) bytes: usize,
}

/// What a look found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Batches of the view.
    pub(crate) batches: Vec<Bytes>,
    /// Records in them.
    pub(crate) records: u64,
    /// Offset that it came to: all before is in `batches`, or left out.
    pub(crate) next: i64,
    /// Whether there is more to be looked at.
    pub(crate) more: bool,
    /// Timestamp and leader epoch of what was looked at last.
    pub(crate) last: (i64, i32),
}

/// What came of a run of batches.
#[derive(Default)]
struct Ran {
    batches: Vec<Bytes>,
    bytes: usize,
    records: u64,
    next: i64,
    last: (i64, i32),
    reports: Vec<StepReport>,
    dead: Vec<(Batch, Vec<DeadLetter>)>,
    failed: Option<ChainError>,
    /// Why the batch at `next` cannot be read.
    damaged: Option<String>,
}

/// Looks at one partition of a view.
///
/// # Errors
/// A [`Failure`] when the first batch there is cannot be read or run.
pub(crate) async fn read(
    broker: &Broker,
    view: &ViewImage,
    partition: &Partition,
    wanted: Wanted,
) -> Result<Look, Failure> {
    let read = scan(broker, view, partition, wanted).await;
    let failed = read.as_ref().err().map(|failure| failure.message.as_str());
    if broker.fares(view.id, failed)
        && let Some(failed) = failed
    {
        tracing::warn!(
            view = view.name,
            partition = partition.index(),
            from = wanted.from,
            failed,
            "a view cannot be read"
        );
    }
    read
}

async fn scan(
    broker: &Broker,
    view: &ViewImage,
    partition: &Partition,
    wanted: Wanted,
) -> Result<Look, Failure> {
    let enough = wanted.bytes.min(ENOUGH);
    let mut look = Look {
        next: wanted.from,
        ..Look::default()
    };
    let (mut scanned, mut found) = (0, 0);
    while scanned < ROUND && (found == 0 || found < enough) {
        let fetched = match partition.fetch(look.next, CHUNK).await {
            Ok(fetched) => fetched.batches,
            Err(_) if look.next > wanted.from => break,
            Err(error) => return Err(error.into()),
        };
        look.more = fetched.next_offset > look.next;
        if !look.more {
            break;
        }
        scanned += fetched.bytes;
        let bytes = look_back::joined(fetched.chunks);
        let left = wanted.bytes.saturating_sub(found).max(1);
        match run(broker, view, partition, (look.next, left), bytes).await {
            Ok(ran) => {
                found += ran.bytes;
                look.batches.extend(ran.batches);
                look.records += ran.records;
                (look.next, look.last) = (ran.next, ran.last);
            }
            // What is before it goes out first.
            Err(_) if look.next > wanted.from => break,
            Err(failure) => return Err(failure),
        }
    }
    gaps::close(&mut look.batches, look.next, look.last.1);
    Ok(look)
}

/// Runs what was read from `from` on through the view's chain, until there are `most` bytes.
async fn run(
    broker: &Broker,
    view: &ViewImage,
    partition: &Partition,
    (from, most): (i64, usize),
    bytes: Bytes,
) -> Result<Ran, Failure> {
    let transforms = &broker.transforms;
    let attached = Attached {
        id: view.id,
        label: format!("view {}", view.name),
        place: if view.spec.lease.is_some() {
            Place::Session
        } else {
            Place::View
        },
        chain: &view.chain,
    };
    let stream = transforms.stream(&attached, broker.env.clock.monotonic()).await;
    let stream = stream.map_err(|error| failure(&error))?;
    let begin = batch::BatchHeader::parse(&bytes).map_or(from, |first| first.base_offset);
    let seat = transforms.runner.seat(&stream, partition.index(), begin);
    let older = match seat.is_fresh() {
        true => look_back::older(partition, &stream, begin).await?,
        false => Vec::new(),
    };
    let steps = stream.len();
    let work = move |chain: &mut Chain| {
        for batch in &older {
            chain.look_back(batch)?;
        }
        let mut ran = Ran {
            next: from,
            reports: vec![StepReport::default(); steps],
            ..Ran::default()
        };
        ran.failed = ran.all(chain, bytes, most).err();
        let next = ran.failed.is_none().then_some(ran.next);
        Ok(Done { value: ran, next })
    };
    let mut ran = transforms
        .runner
        .run(seat, work)
        .await
        .map_err(|error| run_failure(&error))?;
    broker.metrics.smartmodules.ran(&stream, &ran.reports);
    if let Some(error) = ran.failed.take() {
        broker.metrics.smartmodules.failed(&stream, &error);
        if ran.next <= from {
            return Err(chain_failure(&error));
        }
    }
    if let Some(reason) = ran.damaged.take().filter(|_| ran.next <= from) {
        return Err(look_back::unreadable(partition, &reason));
    }
    for (batch, dead) in std::mem::take(&mut ran.dead) {
        let source = super::dead_letters::Source {
            stream: &view.name,
            id: view.id,
            topic: partition.topic(),
            partition: partition.index(),
        };
        super::dead_letters::put(
            broker,
            &source,
            &stream,
            (&batch, batch.header.base_offset, &dead),
        )
        .await?;
    }
    Ok(ran)
}

impl Ran {
    /// Runs batch after batch; on an error, `next` is where the bad one begins.
    fn all(&mut self, chain: &mut Chain, bytes: Bytes, most: usize) -> Result<(), ChainError> {
        for batch in batch::split(bytes) {
            if self.bytes >= most {
                break;
            }
            // What goes on gets a checksum of its own, so the old one must be looked at here.
            let batch = match batch.and_then(|batch| batch.verify_crc().map(|()| batch)) {
                Ok(batch) => batch,
                Err(error) => {
                    self.damaged = Some(error.to_string());
                    break;
                }
            };
            let header = batch.header;
            let nothing = header.is_gap() || header.record_count == 0;
            if !nothing {
                self.one(chain, batch)?;
            }
            self.next = header.next_offset();
            self.last = (header.max_timestamp, header.partition_leader_epoch);
        }
        Ok(())
    }

    fn one(&mut self, chain: &mut Chain, batch: Batch) -> Result<(), ChainError> {
        let outcome = chain.run(&batch)?;
        for (sum, report) in self.reports.iter_mut().zip(&outcome.steps) {
            *sum = sum.plus(report);
        }
        let out = match outcome.output {
            Output::Same => Some(batch.bytes.clone()),
            Output::Batch(bytes) => Some(bytes),
            Output::Nothing => None,
        };
        if let Some(out) = out {
            let count = batch::BatchHeader::parse(&out).map_or(0, |header| header.record_count);
            self.records += u64::try_from(count).unwrap_or(0);
            self.bytes += out.len();
            self.batches.push(out);
        }
        if !outcome.dead.is_empty() {
            self.dead.push((batch, outcome.dead));
        }
        Ok(())
    }
}
