//! Opening a log: trust what a clean close vouched for, scan the rest.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tidemill_env::{Disk, Env};
use tidemill_wire::batch::BatchHeader;

use crate::checkpoint::{self, CLEAN, LOG_START, RECOVERY_POINT};
use crate::config::LogConfig;
use crate::epochs::Epochs;
use crate::error::StorageError;
use crate::index::{OffsetEntry, TimeEntry};
use crate::segment::{Segment, Sizes};
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
    /// The directory or its first segment is new: names must be made durable.
    pub(crate) fresh: bool,
}

/// Finds the segments in `dir` and their end.
pub(crate) fn recover(env: &Env, dir: &Path, config: &LogConfig) -> Result<Found, StorageError> {
    let io = |error: io::Error| StorageError::io("opening log", dir, &error);
    let disk = env.disk.as_ref();
    disk.create_dir_all(dir).map_err(io)?;
    let sizes = list(disk, dir).map_err(io)?;
    let log_start = checkpoint::read_offset(disk, dir, LOG_START).map_err(io)?;
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
            fresh: true,
        });
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
        fresh: false,
    };
    match clean_end(disk, dir, &sizes).map_err(io)? {
        Some(end) => {
            found.end = end;
            found.recovery.clean = true;
        }
        None => {
            let from = checkpoint::read_offset(disk, dir, RECOVERY_POINT)
                .map_err(io)?
                .unwrap_or(0);
            scan(&mut found, from, config).map_err(io)?;
            found.epochs.truncate(found.end);
        }
    }
    let first = found.segments.first().map_or(0, |segment| segment.base_offset);
    found.start = log_start.unwrap_or(first).clamp(first, found.end.max(first));
    Ok(found)
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
    let indexed = sizes.iter().all(|(base_offset, sizes)| {
        sizes.log == 0 || *base_offset == base || (sizes.index > 0 && sizes.time_index > 0)
    });
    Ok((same && indexed).then_some(end))
}

/// Scans from the segment that holds `from`: rebuilds its indexes, checks every checksum, and cuts at
/// the first batch that is not whole.
fn scan(found: &mut Found, from: i64, config: &LogConfig) -> io::Result<()> {
    let first = found
        .segments
        .partition_point(|segment| segment.base_offset <= from)
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
    for at in first..found.segments.len() {
        let segment = Arc::clone(&found.segments[at]);
        // A segment that begins below the end of the one before is not of this log.
        if segment.base_offset < expected {
            expected = drop_overlapping(found, at, config)?;
            break;
        }
        let bad = scan_segment(&segment, &mut expected, config.index_interval_bytes, at < closed)?;
        found.recovery.scanned_bytes += segment.size();
        if let Some((position, reason)) = bad {
            cut(found, at, position, reason)?;
            break;
        }
    }
    found.end = expected;
    Ok(())
}

/// Walks one segment. Answers the position and reason where it stops making sense, if anywhere.
pub(crate) fn scan_segment(
    segment: &Segment,
    expected: &mut i64,
    index_interval: u32,
    closed: bool,
) -> io::Result<Option<(u64, String)>> {
    segment.reset_indexes()?;
    *expected = (*expected).max(segment.base_offset);
    let mut indexer = Indexer::default();
    let mut walk = Walk::new(segment.file()?, 0, segment.size());
    loop {
        let at = walk.position();
        let batch = match walk.next_batch() {
            Ok(None) => break,
            Ok(Some((batch, _))) => batch,
            Err(Stop::Bad(reason)) => return Ok(Some((at, reason))),
            Err(Stop::Io(error)) => return Err(error),
        };
        if let Err(error) = batch.verify_crc() {
            return Ok(Some((at, error.to_string())));
        }
        if batch.header.base_offset < *expected {
            let reason = format!(
                "offset {} where {expected} or more was due",
                batch.header.base_offset
            );
            return Ok(Some((at, reason)));
        }
        indexer.note(segment, &batch.header, at, index_interval);
        *expected = batch.header.next_offset();
    }
    if closed {
        indexer.finish(segment);
        segment.write_indexes()?;
        segment.sync()?;
    }
    Ok(None)
}

/// Drops segment `at`, which begins below the end of the one before, and all after it. Emptied and written to, it
/// would be found to overlap again after the next crash, and go with what it then holds. The one before becomes the
/// last, without indexes; answers its end.
fn drop_overlapping(found: &mut Found, at: usize, config: &LogConfig) -> io::Result<i64> {
    for dropped in found.segments.drain(at..) {
        let recovery = &mut found.recovery;
        recovery.scanned_bytes += dropped.size();
        recovery.truncated_bytes += dropped.size();
        recovery.reason.get_or_insert_with(|| {
            format!(
                "{} at byte 0: segment {} overlaps the one before",
                dropped.path().display(),
                dropped.base_offset
            )
        });
        dropped.remove()?;
    }
    let Some(last) = found.segments.last().cloned() else {
        return Ok(0);
    };
    let mut end = last.base_offset;
    scan_segment(&last, &mut end, config.index_interval_bytes, false)?;
    Ok(end)
}

/// Cuts segment `at` to `size` bytes and drops all after it.
fn cut(found: &mut Found, at: usize, size: u64, reason: String) -> io::Result<()> {
    let segment = &found.segments[at];
    let recovery = &mut found.recovery;
    recovery.truncated_bytes = segment.size() - size;
    recovery.reason = Some(format!("{} at byte {size}: {reason}", segment.path().display()));
    segment.file()?.set_len(size)?;
    segment.file()?.sync_data()?;
    segment.set_size(size);
    for dropped in found.segments.drain(at + 1..) {
        recovery.truncated_bytes += dropped.size();
        dropped.remove()?;
    }
    Ok(())
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
            self.enter(segment, header, position);
        }
        self.since += header.size() as u64;
    }

    fn enter(&mut self, segment: &Segment, header: &BatchHeader, position: u64) {
        if let (Some(offset), Ok(position)) = (segment.relative(header.base_offset), u32::try_from(position))
        {
            segment.offsets.push(OffsetEntry { offset, position });
            self.since = 0;
        }
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

    /// The entries that a closed segment ends with. Neither index is then empty, which tells a closed
    /// segment from one whose closing was cut short.
    pub(crate) fn finish(&mut self, segment: &Segment) {
        if let Some((header, position)) = self.last.take()
            && (self.since > header.size() as u64 || !segment.is_indexed())
        {
            self.enter(segment, &header, position);
        }
    }
}
