//! Leaving out records that were there before.
//!
//! A record is left out when one like it was stored whose timestamp is less than the window older than the newest
//! timestamp there is. All that counts is what the log holds, so that a start after a crash comes to the same.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use rustc_hash::FxHashMap;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use tidemill_storage::Log;
use tidemill_wire::batch::{self, Batch, RecordRef};

use crate::config::{Dedup, DedupBy};
use crate::error::AppendError;

/// Uncompressed bytes that a batch may unfold to; it was checked against less.
const UNFOLDED: usize = 512 << 20;
/// Bytes asked for in one read of the log.
const READ_BYTES: usize = 4 << 20;
/// Records that are remembered for one partition. More are forgotten, oldest first, with a word in the log.
const MOST: usize = 4_000_000;

/// What was there, for one partition.
pub(crate) struct Seen {
    dedup: Dedup,
    secret: [u8; 16],
    /// The largest timestamp stored.
    newest: i64,
    /// The latest timestamp of each.
    times: FxHashMap<u128, i64>,
    /// As they came.
    queue: VecDeque<(i64, u128)>,
}

/// What a batch adds, once it is stored.
pub(crate) struct News {
    newest: i64,
    records: Vec<(i64, u128)>,
}

impl Seen {
    fn new(dedup: Dedup, secret: [u8; 16]) -> Seen {
        Seen {
            dedup,
            secret,
            newest: i64::MIN,
            times: FxHashMap::default(),
            queue: VecDeque::new(),
        }
    }

    /// From what the log holds. `secret` keys the hashes: nobody can make two records look the same. Blocks on disk.
    pub(crate) fn rebuild(log: &Log, dedup: Dedup, secret: [u8; 16]) -> Result<Seen, String> {
        let mut seen = Seen::new(dedup, secret);
        let Some(newest) = log.max_timestamp().map_err(|error| error.to_string())? else {
            return Ok(seen);
        };
        seen.newest = newest.timestamp;
        let oldest = seen.forgotten(newest.timestamp).saturating_add(1);
        let first = log
            .offset_for_timestamp(oldest)
            .map_err(|error| error.to_string())?;
        let Some(first) = first else {
            return Ok(seen);
        };
        let mut from = first.offset;
        loop {
            let slices = log
                .read(from, i64::MAX, READ_BYTES)
                .map_err(|error| error.to_string())?;
            if slices.next_offset <= from {
                return Ok(seen);
            }
            let mut bytes = BytesMut::with_capacity(slices.bytes);
            slices
                .chunks
                .iter()
                .for_each(|chunk| bytes.extend_from_slice(chunk));
            for batch in batch::split(bytes.freeze()) {
                let batch = batch.map_err(|error| error.to_string())?;
                let news = seen.all(&batch).map_err(|error| error.to_string())?;
                seen.adopt(news);
            }
            from = slices.next_offset;
        }
    }

    pub(crate) fn is_of(&self, dedup: &Dedup) -> bool {
        self.dedup == *dedup
    }

    /// The batch without its doubles, `None` when it has none; and what is new in it.
    pub(crate) fn leave_out_doubles(&self, batch: &Batch) -> Result<(Option<Bytes>, News), AppendError> {
        let corrupt = |error: batch::BatchError| AppendError::Corrupt(error.to_string());
        let mut news = News {
            newest: batch.header.max_timestamp,
            records: Vec::new(),
        };
        if batch.header.attributes.control() || batch.header.record_count == 0 {
            return Ok((None, news));
        }
        let records = batch.records(UNFOLDED).map_err(corrupt)?;
        let (mut newest, mut here) = (self.newest, FxHashMap::<u128, i64>::default());
        let mut kept = Vec::with_capacity(records.len());
        for record in records.iter() {
            let record = record.map_err(corrupt)?;
            let Some(hash) = self.hash(&record) else {
                newest = newest.max(record.timestamp);
                kept.push(true);
                continue;
            };
            let forgotten = self.forgotten(newest.max(record.timestamp));
            let before = self.times.get(&hash).max(here.get(&hash));
            let double = before.is_some_and(|before| *before > forgotten);
            if !double {
                newest = newest.max(record.timestamp);
                here.insert(hash, record.timestamp);
                news.records.push((record.timestamp, hash));
            }
            kept.push(!double);
        }
        if !kept.contains(&false) {
            return Ok((None, news));
        }
        let left = match kept.contains(&true) {
            true => batch.retain(&records, &kept, None).map_err(corrupt)?,
            false => batch.gap(),
        };
        // The header of what is stored tells the next start what the newest is.
        let header = batch::BatchHeader::parse(&left).map_err(corrupt)?;
        news.newest = header.max_timestamp;
        Ok((Some(left), news))
    }

    /// All that a stored batch holds.
    fn all(&self, batch: &Batch) -> Result<News, batch::BatchError> {
        let mut news = News {
            newest: batch.header.max_timestamp,
            records: Vec::new(),
        };
        if batch.header.attributes.control() || batch.header.record_count == 0 {
            return Ok(news);
        }
        for record in batch.records(UNFOLDED)?.iter() {
            let record = record?;
            news.records
                .extend(self.hash(&record).map(|hash| (record.timestamp, hash)));
        }
        Ok(news)
    }

    /// Takes in what was stored.
    pub(crate) fn adopt(&mut self, news: News) {
        self.newest = self.newest.max(news.newest);
        for (timestamp, hash) in news.records {
            let latest = self.times.entry(hash).or_insert(timestamp);
            *latest = timestamp.max(*latest);
            self.queue.push_back((timestamp, hash));
        }
        self.forget();
    }

    fn forget(&mut self) {
        let forgotten = self.forgotten(self.newest);
        let mut too_many = 0_usize;
        while let Some((timestamp, hash)) = self.queue.front().copied() {
            let over = self.queue.len() > MOST;
            if timestamp > forgotten && !over {
                break;
            }
            too_many += usize::from(timestamp > forgotten);
            self.queue.pop_front();
            if self.times.get(&hash) == Some(&timestamp) {
                self.times.remove(&hash);
            }
        }
        if too_many > 0 {
            tracing::warn!(
                forgotten = too_many,
                remembered = MOST,
                "a topic's dedup window holds more records than are remembered: doubles of the oldest will pass; make \
                 the window shorter, or the partitions more"
            );
        }
    }

    /// Timestamps up to this one are forgotten when `newest` is the newest.
    fn forgotten(&self, newest: i64) -> i64 {
        newest.saturating_sub(self.dedup.window_ms)
    }

    /// What makes it the same as another; `None` when nothing does.
    fn hash(&self, record: &RecordRef<'_>) -> Option<u128> {
        let part = match &self.dedup.by {
            DedupBy::Key => record.key,
            DedupBy::Value => record.value,
            DedupBy::Header(name) => {
                let mut headers = record.headers.iter();
                headers
                    .find(|(found, _)| *found == name.as_bytes())
                    .and_then(|(_, value)| value)
            }
        };
        let mut hasher = SipHasher13::new_with_key(&self.secret);
        hasher.write(part?);
        Some(hasher.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests;
