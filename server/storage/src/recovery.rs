//! Opening a log: trust what a clean close vouched for, scan the rest.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tidemill_env::{Disk, Env, OpenMode};
use tidemill_wire::batch::{Batch, BatchHeader};

use crate::checkpoint::{self, CLEAN, FAILED, LOG_START, RECOVERY_POINT};
use crate::compaction;
use crate::config::LogConfig;
use crate::epochs::Epochs;
use crate::error::StorageError;
use crate::index::{OffsetEntry, TimeEntry};
use crate::segment::{Segment, Sizes, file_path};
use crate::walk::{Stop, Walk};

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The last close was clean: no data was read.
    pub clean: bool,
    /// Bytes read to find the end.
    pub scanned_bytes: u64,
    /// Bytes cut off because they were torn or damaged.
    pub truncated_bytes: u64,
    /// Why they were cut off, and where.
    pub reason: Option<String>,
}

/// A log as found on disk.
pub(crate) struct Found {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) epochs: Epochs,
    pub(crate) recovery: Recovery,
    /// Entries of the last segment's indexes that are still to be made.
    pub(crate) indexer: Indexer,
    /// Offset below which all is durable under durable names, as far as the checkpoint says.
    pub(crate) recovery_point: i64,
    /// The directory or its first segment may be new: names must be made durable.
    pub(crate) fresh: bool,
}

/// Finds the segments in `dir` and their end.
pub(crate) fn recover(env: &Env, dir: &Path, config: &LogConfig) -> Result<Found, StorageError> {
    let io = |error: io::Error| StorageError::io("opening log", dir, &error);
    let disk = env.disk.as_ref();
    disk.create_dir_all(dir).map_err(io)?;
    compaction::finish_swap(disk, dir).map_err(io)?;
    let mut sizes = list(disk, dir).map_err(io)?;
    let log_start = checkpoint::read_offset(disk, dir, LOG_START).map_err(io)?;
    let recovery_point = checkpoint::read_offset(disk, dir, RECOVERY_POINT).map_err(io)?;
    let epochs = Epochs::load(disk, dir).map_err(io)?;
    if sizes.is_empty() {
        let start = log_start.unwrap_or(0).max(0);
        let first = Segment::create(Arc::clone(&env.disk), dir, start).map_err(io)?;
        let recovery = Recovery {
            clean: true,
            ..Recovery::default()
        };
        return Ok(Found {
            segments: vec![Arc::new(first)],
            start,
            end: start,
            epochs,
            recovery,
            indexer: Indexer::default(),
            recovery_point: start,
            fresh: true,
        });
    }
    let first = sizes.first_key_value().map_or(0, |(base, _)| *base);
    let recovery_point = recovery_point.unwrap_or(first);
    let failed = disk.exists(&dir.join(FAILED));
    if failed {
        forget_cached(disk, dir, sizes.range(..).map(|(base, _)| *base), recovery_point).map_err(io)?;
        sizes = list(disk, dir).map_err(io)?;
    }
    let segments = sizes
        .iter()
        .map(|(base, sizes)| Arc::new(Segment::existing(Arc::clone(&env.disk), dir, *base, *sizes)))
        .collect();
    let mut found = Found {
        segments,
        start: 0,
        end: 0,
        epochs,
        recovery: Recovery::default(),
        indexer: Indexer::default(),
        recovery_point,
        fresh: false,
    };
    match clean_end(disk, dir, &sizes).map_err(io)? {
        Some(end) if !failed => {
            found.end = end;
            found.recovery.clean = true;
        }
        _ => {
            scan(&mut found, config).map_err(io)?;
            // Nothing says that the process before this one came to sync them.
            found.fresh = true;
        }
    }
    found.start = log_start.unwrap_or(first).clamp(first, found.end.max(first));
    found.epochs.start_at(found.start);
    Ok(found)
}

/// A sync has failed since the machine started, perhaps: the page cache may show bytes that the disk does
/// not have and never will. What is scanned is then read from the disk itself.
fn forget_cached(
    disk: &dyn Disk,
    dir: &Path,
    bases: impl DoubleEndedIterator<Item = i64>,
    recovery_point: i64,
) -> io::Result<()> {
    for base in bases.rev() {
        let file = disk.open(&file_path(dir, base, "log"), OpenMode::Write)?;
        // Bytes that still wait to be written are only let go of once they are.
        file.sync_data()?;
        file.forget_cached();
        if base <= recovery_point {
            break;
        }
    }
    Ok(())
}

/// Segment files by base offset; leftovers of an interrupted compaction or checkpoint are removed.
fn list(disk: &dyn Disk, dir: &Path) -> io::Result<BTreeMap<i64, Sizes>> {
    let mut found = BTreeMap::<i64, Sizes>::new();
    let entries = disk.list(dir)?;
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        if entry.name.ends_with(".new") {
            disk.remove_file(&dir.join(&entry.name))?;
        } else if let Some(base) = entry.name.strip_suffix(".log").and_then(|base| base.parse().ok()) {
            found.entry(base).or_default().log = entry.len;
        }
    }
    for entry in &entries {
        let Some((base, kind)) = entry.name.split_once('.') else {
            continue;
        };
        let Some(sizes) = base.parse().ok().and_then(|base| found.get_mut(&base)) else {
            continue;
        };
        match kind {
            "index" => sizes.index = entry.len,
            "timeindex" => sizes.time_index = entry.len,
            _ => {}
        }
    }
    Ok(found)
}

/// The end offset that a clean close noted, if the files are as it left them.
fn clean_end(disk: &dyn Disk, dir: &Path, sizes: &BTreeMap<i64, Sizes>) -> io::Result<Option<i64>> {
    let Some(text) = checkpoint::read(disk, dir, CLEAN)? else {
        return Ok(None);
    };
    let mut fields = text.split_whitespace().map(str::parse::<i64>);
    let (Some(Ok(end)), Some(Ok(base)), Some(Ok(size))) = (fields.next(), fields.next(), fields.next())
    else {
        return Ok(None);
    };
    // A file that grew since was written to after the mark should have gone.
    let same = sizes
        .last_key_value()
        .is_some_and(|(last, sizes)| *last == base && i64::try_from(sizes.log) == Ok(size));
    // A compaction that was cut short leaves a segment without its index.
    let indexed = |sizes: &Sizes| sizes.log == 0 || (sizes.index > 0 && sizes.time_index > 0);
    let indexed = sizes.values().all(indexed);
    Ok((same && indexed).then_some(end))
}

/// Scans from the segment that holds the recovery point: rebuilds its indexes, checks every checksum, and
/// cuts at the first batch that is not whole or does not follow the one before.
fn scan(found: &mut Found, config: &LogConfig) -> io::Result<()> {
    let recovery_point = found.recovery_point;
    let first = found
        .segments
        .partition_point(|segment| segment.base_offset <= recovery_point)
        .saturating_sub(1);
    // The last segment has no business being indexed; any other was, unless its closing was cut short.
    let closed = found.segments.len().saturating_sub(1);
    let unindexed = found
        .segments
        .iter()
        .take(closed)
        .position(|segment| !segment.is_indexed());
    let first = unindexed.map_or(first, |unindexed| unindexed.min(first));
    let mut expected = found.segments.get(first).map_or(0, |segment| segment.base_offset);
    // Records that reached the disk before their epoch's entry did bring it along.
    found.epochs.truncate(expected);
    for at in first..found.segments.len() {
        let segment = Arc::clone(&found.segments[at]);
        let base = segment.base_offset;
        // A segment begins where the one before ended. Compaction leaves gaps, but only between segments
        // that were durable; elsewhere a gap is what the crash took.
        if base < expected || (base > expected && base > recovery_point) {
            let reason = match base < expected {
                true => format!("segment {base} overlaps the one before"),
                false => format!("segment {base} does not follow offset {expected}"),
            };
            let before = at.saturating_sub(1);
            cut(found, before, found.segments[before].size(), reason)?;
            break;
        }
        let scanned = scan_segment(&segment, expected, config.index_interval_bytes, &mut found.epochs)?;
        expected = scanned.end;
        found.indexer = scanned.indexer;
        found.recovery.scanned_bytes += segment.size();
        if let Some((position, reason)) = scanned.bad {
            cut(found, at, position, reason)?;
            break;
        }
        if at < closed {
            found.indexer.finish(&segment);
            segment.sync()?;
            segment.replace_indexes()?;
        }
    }
    found.end = expected;
    Ok(())
}

/// What a walk over a segment found. Index entries are in memory; the caller decides when to write them.
pub(crate) struct Scanned {
    /// One past the last offset.
    pub(crate) end: i64,
    pub(crate) indexer: Indexer,
    /// The position and reason where it stops making sense, if anywhere.
    bad: Option<(u64, String)>,
}

/// Walks one segment, whose first offset is at least `expected`.
pub(crate) fn scan_segment(
    segment: &Segment,
    expected: i64,
    index_interval: u32,
    epochs: &mut Epochs,
) -> io::Result<Scanned> {
    segment.forget_indexes();
    let mut scanned = Scanned {
        end: expected.max(segment.base_offset),
        indexer: Indexer::default(),
        bad: None,
    };
    let mut walk = Walk::new(segment.file()?, 0, segment.size());
    loop {
        let at = walk.position();
        let whole = match walk.next_batch() {
            Ok(None) => return Ok(scanned),
            Ok(Some((batch, _))) => check(batch, scanned.end),
            Err(Stop::Bad(reason)) => Err(reason),
            Err(Stop::Io(error)) => return Err(error),
        };
        let header = match whole {
            Ok(header) => header,
            Err(reason) => {
                scanned.bad = Some((at, reason));
                return Ok(scanned);
            }
        };
        scanned.indexer.note(segment, &header, at, index_interval);
        epochs.note(header.partition_leader_epoch, header.base_offset);
        scanned.end = header.next_offset();
    }
}

/// Whether a batch is as it was written, and where it may be.
fn check(batch: Batch, expected: i64) -> Result<BatchHeader, String> {
    batch.verify_crc().map_err(|error| error.to_string())?;
    let offset = batch.header.base_offset;
    if offset < expected {
        return Err(format!("offset {offset} where {expected} or more was due"));
    }
    Ok(batch.header)
}

/// Cuts segment `at` to `size` bytes and drops all after it, the last first: a crash in between must leave
/// no hole before a segment that is still there.
fn cut(found: &mut Found, at: usize, size: u64, reason: String) -> io::Result<()> {
    let segment = &found.segments[at];
    let recovery = &mut found.recovery;
    recovery.truncated_bytes = segment.size() - size;
    recovery.reason = Some(format!("{} at byte {size}: {reason}", segment.path().display()));
    let dropped = found.segments.get(at + 1..).unwrap_or_default();
    recovery.truncated_bytes += dropped.iter().map(|segment| segment.size()).sum::<u64>();
    if segment.base_offset < found.recovery_point {
        // What will be written after the cut must be scanned.
        segment.set_recovery_point()?;
        found.recovery_point = segment.base_offset;
    }
    remove_durably(dropped)?;
    segment.file()?.set_len(size)?;
    segment.file()?.sync_data()?;
    segment.set_size(size);
    found.segments.truncate(at + 1);
    Ok(())
}

/// Removes segments at the end of a log, each durably before the one in front of it.
pub(crate) fn remove_durably(segments: &[Arc<Segment>]) -> io::Result<()> {
    segments.iter().rev().try_for_each(|segment| {
        segment.remove()?;
        segment.sync_dir()
    })
}

/// Decides which batches get index entries.
#[derive(Debug, Default)]
pub(crate) struct Indexer {
    /// Bytes since the last entry.
    since: u64,
    /// Timestamp of the last time entry.
    timed: Option<i64>,
    /// The newest batch and its position.
    last: Option<(BatchHeader, u64)>,
}

impl Indexer {
    /// A batch stands at `position` of `segment`.
    pub(crate) fn note(&mut self, segment: &Segment, header: &BatchHeader, position: u64, interval: u32) {
        segment.note_time(header);
        self.last = Some((*header, position));
        if self.since > u64::from(interval) {
            self.enter_offset(segment, header, position);
            self.enter_time(segment, header);
        }
        self.since += header.size() as u64;
    }

    fn enter_offset(&mut self, segment: &Segment, header: &BatchHeader, position: u64) {
        if let (Some(offset), Ok(position)) = (segment.relative(header.base_offset), u32::try_from(position))
        {
            segment.offsets.push(OffsetEntry { offset, position });
            self.since = 0;
        }
    }

    fn enter_time(&mut self, segment: &Segment, header: &BatchHeader) {
        // Kafka's rule: the largest timestamp so far, with the last offset seen.
        let largest = segment.known_max_timestamp();
        if self.timed.is_none_or(|timed| largest > timed)
            && let Some(offset) = segment.relative(header.last_offset())
        {
            segment.times.push(TimeEntry {
                timestamp: largest,
                offset,
            });
            self.timed = Some(largest);
        }
    }

    /// The entries that a segment ends with when it or the log is closed. Neither index is then empty, which
    /// tells a closed segment from one whose closing was cut short, and the last time entry bears the largest
    /// timestamp.
    pub(crate) fn finish(&mut self, segment: &Segment) {
        if let Some((header, position)) = self.last.take() {
            if self.since > header.size() as u64 || segment.offsets.is_empty() {
                self.enter_offset(segment, &header, position);
            }
            self.enter_time(segment, &header);
        }
    }

    /// Goes on in a segment that was closed: what its indexes say must stay in order with what comes.
    pub(crate) fn resume(&mut self, segment: &Segment) -> io::Result<()> {
        let largest = segment.max_timestamp()?;
        if self.timed.is_none() && !segment.times.is_empty() {
            self.timed = Some(largest);
        }
        Ok(())
    }
}
