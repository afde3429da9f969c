//! Looking at partitions until there is enough.

use std::sync::Arc;
use std::time::Duration;

use tidemill_metadata::ViewImage;
use tidemill_partition::{FetchWaiter, Found as Batches, Partition};

use super::FetchedPartition;
use crate::api::Cx;
use crate::broker::Place;
use crate::errors::Failure;
use crate::net::Piece;
use crate::session::{Named, Wanted, Wishes};
use crate::transforms;

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
    let mut scans = Scans::of(wishes);
    let mut look = look(cx, wishes, limits, &mut scans).await;
    loop {
        if look.enough(limits) || clock.monotonic() >= limits.deadline {
            return look.told(cx, wishes, &scans);
        }
        if look.more {
            look = self::look(cx, wishes, limits, &mut scans).await;
            continue;
        }
        // Registered before the look: what comes in between wakes it.
        let waiter = FetchWaiter::new();
        look.partitions
            .iter()
            .for_each(|partition| partition.wait(&waiter));
        look = self::look(cx, wishes, limits, &mut scans).await;
        if look.enough(limits) || look.more {
            continue;
        }
        let timeout = clock.sleep(limits.deadline.saturating_sub(clock.monotonic()));
        tokio::select! {
            biased;
            () = waiter.woken() => {}
            () = timeout => {}
        }
        look = self::look(cx, wishes, limits, &mut scans).await;
    }
}

/// How far views were looked through for nothing, in the order of the wishes.
struct Scans(Vec<Option<Scan>>);

#[derive(Clone, Copy)]
struct Scan {
    next: i64,
    /// Timestamp and leader epoch of what was left out last.
    last: (i64, i32),
}

impl Scans {
    fn of(wishes: &Wishes) -> Self {
        Self(vec![None; wishes.len()])
    }
}

struct Look {
    found: Found,
    /// For each of them, its records, where that is known without looking at them.
    records: Vec<Option<u64>>,
    partitions: Vec<Arc<Partition>>,
    bytes: usize,
    failed: bool,
    /// Whether a view has more to be looked through.
    more: bool,
    /// Whether a view gave something. It is not asked again for the same: its modules may remember what they saw.
    full: bool,
}

impl Look {
    fn enough(&self, limits: &Limits) -> bool {
        self.failed || self.full || self.bytes >= limits.min_bytes
    }

    /// What was found, counted as read. A reader of a view is led past what is left out.
    fn told(mut self, cx: &Cx, wishes: &Wishes, scans: &Scans) -> Found {
        self.count(cx);
        let looked = wishes.iter().zip(&scans.0).zip(&mut self.found);
        for (((_, wanted), scan), (_, partition)) in looked {
            if let Some(scan) = scan.filter(|scan| scan.next > wanted.fetch_offset)
                && partition.records.is_empty()
                && partition.error_code == 0
            {
                let (timestamp, leader_epoch) = scan.last;
                partition
                    .records
                    .push(transforms::gap(scan.next, leader_epoch, timestamp).into());
            }
        }
        self.found
    }

    fn count(&self, cx: &Cx) {
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
    }
}

/// One look at every partition.
async fn look(cx: &Cx, wishes: &Wishes, limits: &Limits, scans: &mut Scans) -> Look {
    let mut look = Look {
        found: Vec::with_capacity(wishes.len()),
        records: Vec::with_capacity(wishes.len()),
        partitions: Vec::with_capacity(wishes.len()),
        bytes: 0,
        failed: false,
        more: false,
        full: false,
    };
    // The first batch of all comes whole, whatever its size and the limit.
    let limit = limits.max_bytes.max(1);
    for ((name, wanted), scan) in wishes.iter().zip(&mut scans.0) {
        let place = Place {
            name: &name.name,
            id: name.id,
            index: name.index,
        };
        let left = limit.saturating_sub(look.bytes);
        let (fetched, records) = match cx.broker.readable(&place, wanted.current_leader_epoch) {
            Ok((partition, None)) => {
                let fetched = read(&partition, wanted, left).await;
                look.partitions.push(partition);
                fetched
            }
            Ok((partition, Some(view))) => {
                let (fetched, more) = read_view(cx, (&view, &partition), wanted, left, scan).await;
                look.partitions.push(partition);
                look.more |= more;
                look.full |= !fetched.0.records.is_empty();
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

/// What there is of a partition of a view, and whether there is more to be looked through.
async fn read_view(
    cx: &Cx,
    (view, partition): (&ViewImage, &Partition),
    wanted: &Wanted,
    left: usize,
    scan: &mut Option<Scan>,
) -> ((FetchedPartition, Option<u64>), bool) {
    let offsets = partition.offsets();
    let from = scan.map_or(wanted.fetch_offset, |scan| scan.next.max(wanted.fetch_offset));
    let bytes = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
    let outside = from < offsets.log_start || from > offsets.end;
    if left == 0 && !outside {
        return (
            (nothing(0, offsets.high_watermark, offsets.log_start), None),
            false,
        );
    }
    let look = match transforms::read(&cx.broker, view, partition, transforms::Wanted { from, bytes }).await {
        Ok(look) => look,
        // What was left out before is told first: the reader then asks for what fails.
        Err(_) if scan.is_some_and(|scan| scan.next > wanted.fetch_offset) => {
            let mut fetched = nothing(0, offsets.high_watermark, offsets.log_start);
            if let Some(Scan { next, last }) = *scan {
                fetched.records.push(transforms::gap(next, last.1, last.0).into());
            }
            return ((fetched, Some(0)), false);
        }
        Err(failure) => return ((nothing(failure.code, -1, offsets.log_start), None), false),
    };
    if look.batches.is_empty() && look.next > from {
        *scan = Some(Scan {
            next: look.next,
            last: look.last,
        });
    }
    let offsets = partition.offsets();
    let fetched = FetchedPartition {
        high_watermark: offsets.high_watermark,
        log_start_offset: offsets.log_start,
        records: look.batches.into_iter().map(Piece::Bytes).collect(),
        ..FetchedPartition::default()
    };
    ((fetched, Some(look.records)), look.more)
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
