//! Older records, for modules that rebuild their state from them.

use bytes::{Bytes, BytesMut};
use tidemill_modules::{LookBack, Stream};
use tidemill_partition::{FetchError, Partition};
use tidemill_wire::batch::{self, Batch};

use crate::errors::Failure;

/// Bytes asked for in one read.
const READ_BYTES: usize = 4 << 20;
/// Most bytes that are looked back on. A module that asks for more sees the newest.
const MOST_BYTES: usize = 256 << 20;

/// The batches before `upto` that `stream` asks to see first, oldest first.
pub(super) async fn older(partition: &Partition, stream: &Stream, upto: i64) -> Result<Vec<Batch>, Failure> {
    let mut from = upto;
    for look_back in stream.look_back() {
        let first = match *look_back {
            LookBack::Last(count) => last(partition, upto, count).await?,
            LookBack::WindowMs(window) => window_of(partition, upto, window).await?,
        };
        from = from.min(first);
    }
    between(partition, from, upto).await
}

/// Where the last `count` records before `upto` begin. Offsets may hold nothing, so that there may be fewer records
/// than offsets: the stretch is doubled until it holds enough.
async fn last(partition: &Partition, upto: i64, count: u64) -> Result<i64, Failure> {
    let start = partition.offsets().log_start;
    let mut stretch = i64::try_from(count).unwrap_or(i64::MAX);
    loop {
        let from = upto.saturating_sub(stretch).max(start);
        if from == start {
            return Ok(from);
        }
        let batches = between(partition, from, upto).await?;
        let records = batches.iter().filter(|batch| !batch.header.is_gap());
        let found: u64 = records
            .map(|batch| u64::try_from(batch.header.record_count).unwrap_or(0))
            .sum();
        let bytes: usize = batches.iter().map(|batch| batch.bytes.len()).sum();
        if found >= count || bytes >= MOST_BYTES {
            return Ok(from);
        }
        stretch = stretch.saturating_mul(2);
    }
}

/// Where the records begin that are at most `window` milliseconds older than the newest before `upto`.
async fn window_of(partition: &Partition, upto: i64, window: i64) -> Result<i64, Failure> {
    let start = partition.offsets().log_start;
    let newest = between(partition, upto.saturating_sub(1).max(start), upto).await?;
    let Some(newest) = newest.iter().map(|batch| batch.header.max_timestamp).max() else {
        return Ok(upto);
    };
    let found = partition
        .offset_for_timestamp(newest.saturating_sub(window))
        .await?;
    Ok(found.map_or(upto, |found| found.offset.min(upto)))
}

/// The batches that begin below `upto`, from the one that holds `from` on; the newest, where they are too many.
async fn between(partition: &Partition, from: i64, upto: i64) -> Result<Vec<Batch>, Failure> {
    let mut batches: std::collections::VecDeque<Batch> = std::collections::VecDeque::new();
    let (mut at, mut bytes) = (from.max(partition.offsets().log_start), 0);
    while at < upto {
        let fetched = match partition.fetch(at, READ_BYTES).await {
            Ok(fetched) => fetched,
            // Retention was faster.
            Err(FetchError::OutOfRange { start, .. }) if start > at => {
                at = start;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let next = fetched.batches.next_offset;
        if next <= at {
            break;
        }
        for batch in batch::split(joined(fetched.batches.chunks)) {
            let batch = batch.map_err(|error| unreadable(partition, &error.to_string()))?;
            if batch.header.base_offset < upto {
                bytes += batch.bytes.len();
                batches.push_back(batch);
            }
        }
        while bytes > MOST_BYTES
            && let Some(oldest) = batches.pop_front()
        {
            bytes -= oldest.bytes.len();
        }
        at = next;
    }
    Ok(batches.into())
}

/// Bytes that may lie in several pieces, as one.
pub(super) fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    if chunks.len() == 1 {
        return chunks.pop().unwrap_or_default();
    }
    let mut bytes = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
    chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
    bytes.freeze()
}

pub(super) fn unreadable(partition: &Partition, reason: &str) -> Failure {
    let message = format!("a stored batch of {} cannot be read: {reason}", partition.name());
    Failure::new(
        tidemill_wire::kafka::error::ResponseError::KafkaStorageError,
        message,
    )
}
