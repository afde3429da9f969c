//! Records as they are handed out: borrowed from the bytes that came off the network.

use std::sync::Arc;

use bytes::Bytes;
use tidemill_wire::batch::{BatchError, RecordRef, Records as WireRecords};

use crate::error::{Error, Result};

/// Records of one partition, in order of offset. Refcounted: cheap to move to another task.
pub struct Records {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) chunks: Vec<Chunk>,
    pub(super) next_offset: i64,
    pub(super) high_watermark: i64,
}

/// Part of one batch: `limit` records from byte `at` on.
pub(super) struct Chunk {
    pub(super) records: WireRecords,
    /// Where in the unpacked bytes the first record is.
    pub(super) at: usize,
    pub(super) limit: usize,
}

impl Records {
    pub(crate) fn empty() -> Self {
        Self {
            topic: Arc::from(""),
            partition: -1,
            chunks: Vec::new(),
            next_offset: -1,
            high_watermark: -1,
        }
    }

    /// The topic; empty if there are no records.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// The partition; -1 if there are no records.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The end of what consumers may read, as of when these were fetched; -1 if not known.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// The offset after these records, where reading goes on.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The records, decoded one at a time, copying nothing.
    ///
    /// # Errors
    /// `Corrupt` for a record that does not parse; nothing comes after it in its batch.
    pub fn iter(&self) -> impl Iterator<Item = Result<RecordRef<'_>>> {
        self.chunks.iter().flat_map(move |chunk| {
            chunk
                .iter()
                .map(move |record| record.map_err(|e| self.corrupt(e)))
        })
    }

    /// Calls `visit` for each record; answers how many there were. The fastest way through. Errors as [`Self::iter`].
    pub fn for_each(&self, mut visit: impl FnMut(RecordRef<'_>)) -> Result<u64> {
        let mut count = 0;
        for chunk in &self.chunks {
            for record in chunk.iter() {
                visit(record.map_err(|error| self.corrupt(error))?);
                count += 1;
            }
        }
        Ok(count)
    }

    /// The records as values of their own: keys and values share the batch's memory, headers are copied.
    /// Errors as [`Self::iter`].
    pub fn owned(&self) -> impl Iterator<Item = Result<OwnedRecord>> + '_ {
        self.chunks.iter().flat_map(move |chunk| {
            chunk.iter().map(move |record| {
                let record = record.map_err(|error| self.corrupt(error))?;
                Ok(OwnedRecord::new(self, chunk, &record))
            })
        })
    }

    fn corrupt(&self, error: BatchError) -> Error {
        corrupt(&self.topic, self.partition, error)
    }
}

/// The error for a batch that fails its checks.
pub(super) fn corrupt(topic: &str, partition: i32, error: BatchError) -> Error {
    Error::corrupt(format!(
        "a batch of {topic:?} partition {partition} is damaged: {error}"
    ))
    .with_source(error)
}

impl Chunk {
    fn iter(&self) -> ChunkIter<'_> {
        ChunkIter {
            chunk: self,
            at: self.at,
            left: self.limit,
        }
    }

    /// Moves to the first record at `offset` or later: a batch comes whole, also when the position lies inside it.
    pub(super) fn skip_to(&mut self, offset: i64) -> std::result::Result<(), BatchError> {
        while self.limit > 0 {
            let mut next = self.at;
            if self.records.record_at(&mut next)?.offset >= offset {
                break;
            }
            self.at = next;
            self.limit -= 1;
        }
        Ok(())
    }

    /// Moves past the first `count` records; answers the offset of the one that is first then, if there is one.
    pub(super) fn advance(&mut self, count: usize) -> std::result::Result<Option<i64>, BatchError> {
        for _ in 0..count.min(self.limit) {
            self.records.record_at(&mut self.at)?;
            self.limit -= 1;
        }
        let mut at = self.at;
        Ok(if self.limit == 0 {
            None
        } else {
            Some(self.records.record_at(&mut at)?.offset)
        })
    }
}

struct ChunkIter<'a> {
    chunk: &'a Chunk,
    at: usize,
    left: usize,
}

impl<'a> Iterator for ChunkIter<'a> {
    type Item = std::result::Result<RecordRef<'a>, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let record = self.chunk.records.record_at(&mut self.at);
        if record.is_err() {
            self.left = 0;
        }
        Some(record)
    }
}

/// A record that owns, or shares, its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Milliseconds since the epoch; -1 if it has none.
    pub timestamp: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order. Names that are not UTF-8 have their bad bytes replaced.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl OwnedRecord {
    fn new(records: &Records, chunk: &Chunk, record: &RecordRef<'_>) -> Self {
        let slice = |bytes: &[u8]| chunk.records.slice(bytes);
        let header = |(name, value): (&[u8], Option<&[u8]>)| {
            (String::from_utf8_lossy(name).into_owned(), value.map(slice))
        };
        Self {
            topic: records.topic.clone(),
            partition: records.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(slice),
            value: record.value.map(slice),
            headers: record.headers.iter().map(header).collect(),
        }
    }
}
