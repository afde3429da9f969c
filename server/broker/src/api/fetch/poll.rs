//! Looking at partitions until there is enough.

use std::sync::Arc;
use std::time::Duration;

use tidemill_partition::{FetchWaiter, Found as Batches, Partition};

use super::FetchedPartition;
use crate::api::Cx;
use crate::broker::Place;
use crate::errors::Failure;
use crate::net::Piece;
use crate::session::{Named, Wanted, Wishes};

/// How much to answer, and how long to wait for it.
pub(super) struct Limits {
    pub(super) min_bytes: usize,
    pub(super) max_bytes: usize,
    /// On the monotonic clock.
    pub(super) deadline: Duration,
}

/// What was found, in the order of the wishes.
pub(super) type Found = Vec<(Named, FetchedPartition)>;

/// Looks until there is enough, something is wrong, or the time is up.
pub(super) async fn poll(cx: &Cx, wishes: &Wishes, limits: &Limits) -> Found {
    let clock = &cx.broker.env.clock;
    let look = look(cx, wishes, limits).await;
    if look.enough(limits) || clock.monotonic() >= limits.deadline {
        return look.told(cx);
    }
    let timeout = clock.sleep(limits.deadline.saturating_sub(clock.monotonic()));
    tokio::select! {
        biased;
        found = wait(cx, wishes, limits, look.partitions) => found,
        () = timeout => self::look(cx, wishes, limits).await.told(cx),
    }
}

/// Looks again whenever a partition moves, until there is enough.
async fn wait(cx: &Cx, wishes: &Wishes, limits: &Limits, mut partitions: Vec<Arc<Partition>>) -> Found {
    loop {
        // Registered before the look: what comes in between wakes it.
        let waiter = FetchWaiter::new();
        partitions.iter().for_each(|partition| partition.wait(&waiter));
        let look = look(cx, wishes, limits).await;
        if look.enough(limits) {
            return look.told(cx);
        }
        partitions = look.partitions;
        waiter.woken().await;
    }
}

struct Look {
    found: Found,
    /// For each of them, its records, where that is known without looking at them.
    records: Vec<Option<u64>>,
    partitions: Vec<Arc<Partition>>,
    bytes: usize,
    failed: bool,
}

impl Look {
    fn enough(&self, limits: &Limits) -> bool {
        self.failed || self.bytes >= limits.min_bytes
    }

    /// What was found, counted as read.
    fn told(self, cx: &Cx) -> Found {
        let all = self.found.iter().zip(&self.records);
        let read = all.filter(|((_, partition), _)| !partition.records.is_empty());
        for ((name, partition), records) in read {
            let here = |open: &&Arc<Partition>| {
                open.index() == name.index && (open.topic_id() == name.id || *open.topic() == *name.name)
            };
            if let Some(open) = self.partitions.iter().find(here) {
                let records = records.unwrap_or_else(|| counted(&partition.records));
                cx.broker.metrics.fetched(open, records, partition.size());
            }
        }
        self.found
    }
}

/// One look at every partition.
async fn look(cx: &Cx, wishes: &Wishes, limits: &Limits) -> Look {
    let mut look = Look {
        found: Vec::with_capacity(wishes.len()),
        records: Vec::with_capacity(wishes.len()),
        partitions: Vec::with_capacity(wishes.len()),
        bytes: 0,
        failed: false,
    };
    // The first batch of all comes whole, whatever its size and the limit.
    let limit = limits.max_bytes.max(1);
    for (name, wanted) in wishes {
        let place = Place {
            name: &name.name,
            id: name.id,
            index: name.index,
        };
        let (fetched, records) = match cx.broker.led_here(&place, wanted.current_leader_epoch) {
            Ok(partition) => {
                let fetched = read(&partition, wanted, limit.saturating_sub(look.bytes)).await;
                look.partitions.push(partition);
                fetched
            }
            Err(failure) => (nothing(failure.code, -1, -1), None),
        };
        look.bytes += fetched.size();
        look.records.push(records);
        look.failed |= fetched.error_code != 0;
        look.found.push((
            name.clone(),
            FetchedPartition {
                index: name.index,
                ..fetched
            },
        ));
    }
    look
}

/// What there is of a partition, and its number of records where that is known.
async fn read(partition: &Partition, wanted: &Wanted, left: usize) -> (FetchedPartition, Option<u64>) {
    let offsets = partition.offsets();
    // Even a partition that gets no data this time has its offset checked.
    let outside = wanted.fetch_offset < offsets.log_start || wanted.fetch_offset > offsets.end;
    if left == 0 && !outside {
        return (nothing(0, offsets.high_watermark, offsets.log_start), None);
    }
    let limit = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
    let fetched = match partition.locate(wanted.fetch_offset, limit).await {
        Ok(fetched) => fetched,
        Err(error) => return (nothing(Failure::from(error).code, -1, offsets.log_start), None),
    };
    let (pieces, records) = match fetched.batches {
        Batches::Read(slices) => (slices.chunks.into_iter().map(Piece::Bytes).collect(), None),
        Batches::Stored(stored) => (vec![Piece::File(stored.range)], Some(stored.records)),
    };
    let fetched = FetchedPartition {
        high_watermark: fetched.high_watermark,
        log_start_offset: fetched.log_start_offset,
        records: pieces,
        ..FetchedPartition::default()
    };
    (fetched, records)
}

/// The records of batches in memory.
fn counted(pieces: &[Piece]) -> u64 {
    let bytes = pieces.iter().filter_map(Piece::bytes);
    crate::metrics::records::count(&bytes.cloned().collect::<Vec<_>>())
}

fn nothing(error_code: i16, high_watermark: i64, log_start_offset: i64) -> FetchedPartition {
    FetchedPartition {
        error_code,
        high_watermark,
        log_start_offset,
        ..FetchedPartition::default()
    }
}
