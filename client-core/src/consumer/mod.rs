//! Reading partitions: fetched ahead in the background, handed out in batches without copying.

mod builder;
mod fetch;
mod fetcher;
mod records;
mod resolve;
mod shared;
mod state;

use std::sync::Arc;
use std::time::Duration;

use crate::connection::after;
use crate::error::{Error, ErrorKind, Result};
use futures_util::Stream;
use tidemill_wire::batch::{Batch, BatchError, Records as WireRecords};

pub use builder::{ConsumerBuilder, Isolation, OffsetReset, Start};
pub(crate) use builder::{FetchSettings, fetch_setters};
pub(crate) use fetcher::start as start_fetcher;
pub use records::{OwnedRecord, Records};
pub(crate) use shared::Shared;
pub(crate) use state::State;
pub use tidemill_wire::batch::{Headers, RecordRef};

use records::{Chunk, corrupt};
use state::Taken;

/// The most one batch may unpack to: a guard against bombs, far above any sane batch.
const UNPACKED_LIMIT: usize = 1 << 30;
/// What [`Consumer::stream`] asks for at a time.
const STREAM_BATCH: usize = 10_000;

/// Reads the partitions it was given. One reader at a time; dropping it stops the background fetching.
///
/// Transactions: batches of aborted ones are not filtered out; control records are never handed out.
pub struct Consumer {
    shared: Arc<Shared>,
    /// A batch handed out in part: the rest of it comes first.
    partial: Option<Partial>,
}

struct Partial {
    generation: u64,
    records: Records,
}

/// How far one partition has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset after the last record handed out; -1 until the start is looked up.
    pub offset: i64,
    /// The end of what may be read, as last heard; -1 if not known.
    pub high_watermark: i64,
    /// The first offset there is, as last heard; -1 if not known.
    pub log_start: i64,
    /// Records between position and high watermark, if both are known.
    pub lag: Option<i64>,
}

impl Consumer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            partial: None,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The next records, all of one partition: at most `max_records`, and none if none came within `timeout` or
    /// reading is [finished](Self::finished).
    ///
    /// # Errors
    /// `OutOfRange` if the position has left the log and no reset is wanted, `NotFound` if a topic is gone,
    /// `Corrupt` for a batch that fails its checksum. Passing trouble is retried in the background and shows as
    /// a timeout. After an error the call may be repeated; a damaged batch is fetched again and again until it
    /// comes sound or [`Self::seek`] goes past it.
    ///
    /// Cancellation safe: a dropped future has taken nothing.
    pub async fn next_batch(&mut self, max_records: usize, timeout: Duration) -> Result<Records> {
        let until = after(timeout);
        let max_records = max_records.max(1);
        let shared = self.shared.clone();
        loop {
            let arrived = shared.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(records) = self.take_ready(max_records)? {
                return Ok(records);
            }
            if self.finished() || tokio::time::timeout_at(until, arrived).await.is_err() {
                return Ok(Records::empty());
            }
        }
    }

    /// What is at hand, without waiting.
    pub(crate) fn take_ready(&mut self, max_records: usize) -> Result<Option<Records>> {
        loop {
            if let Some(records) = self.take_partial(max_records)? {
                return Ok(Some(records));
            }
            let Some(taken) = self.shared.take(max_records)? else {
                return Ok(None);
            };
            let mut generation = taken.generation;
            let (records, damaged) = open(taken, self.shared.settings.check_crcs);
            if let Some(Damaged { offset, error }) = damaged {
                // What comes before it is handed out first.
                generation = self.shared.go_back(&records.topic, records.partition, offset);
                if records.chunks.is_empty() {
                    return Err(error);
                }
            }
            // Control batches alone leave nothing to hand out.
            if !records.chunks.is_empty() {
                self.partial = Some(Partial { generation, records });
            }
        }
    }

    /// Hands out from the batches in hand; what is over `max_records` stays for the next call.
    fn take_partial(&mut self, max_records: usize) -> Result<Option<Records>> {
        let Some(mut partial) = self.partial.take() else {
            return Ok(None);
        };
        let key = (partial.records.topic.clone(), partial.records.partition);
        if !self.shared.is_current(&key.0, key.1, partial.generation) {
            return Ok(None);
        }
        let whole: usize = partial.records.chunks.iter().map(|chunk| chunk.limit).sum();
        if whole <= max_records {
            self.shared
                .set_position(&key.0, key.1, partial.generation, partial.records.next_offset);
            return Ok(Some(partial.records));
        }
        let part = split_off(&mut partial.records, max_records)?;
        self.shared
            .set_position(&key.0, key.1, partial.generation, part.next_offset);
        self.partial = Some(partial);
        Ok(if part.is_empty() { None } else { Some(part) })
    }

    /// With `stop_at_end`: whether every partition has been handed out up to the end it had at the start. Else `false`.
    pub fn finished(&self) -> bool {
        self.partial.is_none() && self.shared.finished()
    }

    /// The records one by one, for as long as there are any; ends when [finished](Self::finished).
    ///
    /// An error is yielded and reading goes on. Dropping the stream between two records skips the rest of the batch
    /// it was in; for exact positions use [`Self::next_batch`].
    pub fn stream(&mut self) -> impl Stream<Item = Result<OwnedRecord>> + '_ {
        let pending: std::vec::IntoIter<Result<OwnedRecord>> = Vec::new().into_iter();
        futures_util::stream::unfold((self, pending), |(consumer, mut pending)| async move {
            loop {
                if let Some(record) = pending.next() {
                    return Some((record, (consumer, pending)));
                }
                if consumer.finished() {
                    return None;
                }
                match consumer.next_batch(STREAM_BATCH, Duration::from_secs(60)).await {
                    Ok(records) => pending = records.owned().collect::<Vec<_>>().into_iter(),
                    Err(error) => return Some((Err(error), (consumer, pending))),
                }
            }
        })
    }

    /// Goes on reading a partition from elsewhere; what was fetched from it is thrown away.
    ///
    /// # Errors
    /// `InvalidArgument` if the partition is not assigned; else as [`ConsumerBuilder::build`].
    ///
    /// Cancellation safe: after a dropped future the look-up is finished in the background.
    pub async fn seek(&mut self, topic: &str, partition: i32, to: Start) -> Result<()> {
        if !self.shared.seek(topic, partition, to) {
            return Err(not_assigned(topic, partition));
        }
        self.shared.resolve_all().await
    }

    /// Stops handing out and fetching a partition. `InvalidArgument` if it is not assigned.
    pub fn pause(&mut self, topic: &str, partition: i32) -> Result<()> {
        self.set_paused(topic, partition, true)
    }

    /// Undoes [`Self::pause`]. `InvalidArgument` if it is not assigned.
    pub fn resume(&mut self, topic: &str, partition: i32) -> Result<()> {
        self.set_paused(topic, partition, false)
    }

    fn set_paused(&self, topic: &str, partition: i32, paused: bool) -> Result<()> {
        if self.shared.set_paused(topic, partition, paused) {
            Ok(())
        } else {
            Err(not_assigned(topic, partition))
        }
    }

    /// How far each partition has been read.
    pub fn positions(&self) -> Vec<Position> {
        self.shared.positions()
    }

    /// Stops fetching and closes the connections. Returns at once; dropping does the same.
    pub async fn close(self) {}
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

pub(crate) fn not_assigned(topic: &str, partition: i32) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("topic {topic:?} partition {partition} is not assigned to this consumer"),
    )
}

/// A batch that cannot be handed out.
struct Damaged {
    /// Where reading stands, in or before it.
    offset: i64,
    error: Error,
}

/// Checks and unpacks batches, up to the first that is damaged.
fn open(taken: Taken, check_crcs: bool) -> (Records, Option<Damaged>) {
    let mut records = Records {
        next_offset: taken.from,
        chunks: Vec::with_capacity(taken.batches.len()),
        topic: taken.topic,
        partition: taken.partition,
        high_watermark: taken.high_watermark,
    };
    for batch in &taken.batches {
        match unpack(batch, taken.from, check_crcs) {
            Ok(chunk) => records.chunks.extend(chunk),
            Err(error) => {
                let offset = records.next_offset.max(batch.header.base_offset);
                let error = corrupt(&records.topic, records.partition, error);
                return (records, Some(Damaged { offset, error }));
            }
        }
        records.next_offset = records.next_offset.max(batch.header.next_offset());
    }
    (records, None)
}

/// The records of a batch from offset `from` on, if any of them are for readers.
fn unpack(batch: &Batch, from: i64, check_crcs: bool) -> std::result::Result<Option<Chunk>, BatchError> {
    if batch.header.attributes.control() {
        return Ok(None);
    }
    if check_crcs {
        batch.verify_crc()?;
    }
    let unpacked: WireRecords = batch.records(UNPACKED_LIMIT)?;
    let mut chunk = Chunk {
        records: unpacked,
        at: 0,
        limit: usize::try_from(batch.header.record_count).unwrap_or(0),
    };
    if batch.header.base_offset < from {
        chunk.skip_to(from)?;
    }
    Ok(Some(chunk).filter(|chunk| chunk.limit > 0))
}

/// Takes the first `max` records off the front.
fn split_off(whole: &mut Records, max: usize) -> Result<Records> {
    let mut part = Records {
        topic: whole.topic.clone(),
        partition: whole.partition,
        chunks: Vec::new(),
        next_offset: whole.next_offset,
        high_watermark: whole.high_watermark,
    };
    let mut room = max;
    while room > 0 {
        let Some(chunk) = whole.chunks.first_mut() else {
            break;
        };
        if chunk.limit <= room {
            room -= chunk.limit;
            part.chunks.push(whole.chunks.remove(0));
            continue;
        }
        part.chunks.push(Chunk {
            records: chunk.records.clone(),
            at: chunk.at,

            limit: room,
        });
        chunk
            .advance(room)
            .map_err(|error| corrupt(&part.topic, part.partition, error))?;
        room = 0;
    }
    // Reading goes on at the first record that stays behind.
    if let Some(chunk) = whole.chunks.first_mut() {
        let next = chunk
            .advance(0)
            .map_err(|error| corrupt(&part.topic, part.partition, error))?;
        part.next_offset = next.unwrap_or(part.next_offset);
    }
    Ok(part)
}
