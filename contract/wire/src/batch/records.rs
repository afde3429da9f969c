//! The records of one batch, borrowed from its uncompressed body.

use bytes::Bytes;

use super::{Batch, BatchError, HEADER_LEN, varint};
use crate::codec::{self, Compression};

/// The uncompressed records of a batch. Iterating allocates nothing.
#[derive(Clone, Debug)]
pub struct Records {
    body: Bytes,
    base_offset: i64,
    base_timestamp: i64,
    /// Set when the server stamped the batch: every record then bears this time.
    stamp: Option<i64>,
    count: u32,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970; -1 when the producer gave none.
    pub timestamp: i64,
    /// Its key; `None` is not the same as empty.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` (a tombstone) is not the same as empty.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
}

/// The headers of a record, in the order they were sent; names may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl Batch {
    /// Decompresses the records once, into at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`BatchError::UnknownCodec`], [`BatchError::Codec`]; what is inside is checked by iterating.
    pub fn records(&self, limit: usize) -> Result<Records, BatchError> {
        let header = &self.header;
        let compressed = self.bytes.slice(HEADER_LEN.min(self.bytes.len())..);
        let body = match header.attributes.compression()? {
            Compression::None => compressed,
            codec => codec::decompress(codec, &compressed, limit)?,
        };
        Ok(Records {
            body,
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            stamp: header
                .attributes
                .log_append_time()
                .then_some(header.max_timestamp),
            count: header.record_count.max(0) as u32,
        })
    }

    /// Checks that every record can be read, that there are as many as the header says, and that their
    /// offsets count up without gaps: what a server asks of a batch before it stores it.
    ///
    /// # Errors
    ///
    /// [`BatchError`], at the first fault.
    pub fn validate(&self, limit: usize) -> Result<(), BatchError> {
        let records = self.records(limit)?;
        let mut expected = self.header.base_offset;
        for record in records.iter() {
            if record?.offset != expected {
                return Err(BatchError::Invalid("its record offsets have gaps"));
            }
            expected = expected.wrapping_add(1);
        }
        if expected != self.header.next_offset() {
            return Err(BatchError::Invalid("its record count and last offset disagree"));
        }
        Ok(())
    }
}

impl Records {
    /// How many records the batch says it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether it says it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records in order. A record that cannot be read ends the iteration with its error.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter {
            records: self,
            at: 0,
            left: self.count,
        }
    }

    /// Shares a part of a record (its key or value, say) without copying. A slice that is not of these
    /// records is copied.
    #[must_use]
    pub fn slice(&self, part: &[u8]) -> Bytes {
        let body = self.body.as_ptr_range();
        let inside = body.start <= part.as_ptr() && part.as_ptr_range().end <= body.end;
        if inside {
            self.body.slice_ref(part)
        } else {
            Bytes::copy_from_slice(part)
        }
    }

    /// The uncompressed bytes behind the records.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Reads the record at byte `*at` of the body and moves past it: for callers that keep a place
    /// without a borrow.
    ///
    /// # Errors
    ///
    /// [`BatchError::Corrupt`] when there is no whole record.
    #[inline]
    pub fn record_at(&self, at: &mut usize) -> Result<RecordRef<'_>, BatchError> {
        let length = varint::read(&self.body, at)?;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| at.checked_add(length));
        let Some(record) = end.and_then(|end| self.body.get(*at..end)) else {
            return Err(BatchError::Corrupt("a record's length is more than is there"));
        };
        *at += record.len();
        self.parse(record)
    }

    #[inline]
    fn parse<'a>(&self, record: &'a [u8]) -> Result<RecordRef<'a>, BatchError> {
        // Byte 0 holds attributes, of which none is in use.
        let mut at = 1;
        let timestamp_delta = varint::read(record, &mut at)?;
        let offset_delta = varint::read(record, &mut at)?;
        let key = field(record, &mut at)?;
        let value = field(record, &mut at)?;
        let count = varint::read(record, &mut at)?;
        let bytes = record.get(at..).unwrap_or_default();
        let count = check_headers(bytes, count)?;
        Ok(RecordRef {
            offset: self.base_offset.wrapping_add(offset_delta),
            timestamp: self
                .stamp
                .unwrap_or_else(|| self.base_timestamp.wrapping_add(timestamp_delta)),
            key,
            value,
            headers: Headers { bytes, count },
        })
    }
}

/// A length and as many bytes; length -1 is null.
#[inline]
fn field<'a>(record: &'a [u8], at: &mut usize) -> Result<Option<&'a [u8]>, BatchError> {
    let length = varint::read(record, at)?;
    if length == -1 {
        return Ok(None);
    }
    let end = usize::try_from(length)
        .ok()
        .and_then(|length| at.checked_add(length));
    let Some(bytes) = end.and_then(|end| record.get(*at..end)) else {
        return Err(BatchError::Corrupt(
            "a key, value or header is longer than its record",
        ));
    };
    *at += bytes.len();
    Ok(Some(bytes))
}

/// Walks the headers once, so that iterating them later cannot fail. Nothing may follow them.
#[inline]
fn check_headers(bytes: &[u8], count: i64) -> Result<usize, BatchError> {
    if count == 0 && bytes.is_empty() {
        return Ok(0);
    }
    let mut at = 0;
    for _ in 0..count {
        if field(bytes, &mut at)?.is_none() {
            return Err(BatchError::Corrupt("a header has no name"));
        }
        field(bytes, &mut at)?;
    }
    if count < 0 || at != bytes.len() {
        return Err(BatchError::Corrupt(
            "a record's header count does not fit its length",
        ));
    }
    usize::try_from(count).map_err(|_| BatchError::Corrupt("a record has too many headers"))
}

/// Iterator over [`Records`].
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    records: &'a Records,
    at: usize,
    left: u32,
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<RecordRef<'a>, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            // Bytes behind the last record would be lost in silence.
            let trailing = self.at < self.records.body.len();
            self.at = self.records.body.len();
            return trailing.then_some(Err(BatchError::Corrupt("bytes follow the last record")));
        }
        self.left -= 1;
        let record = self.records.record_at(&mut self.at);
        if record.is_err() {
            self.left = 0;
            self.at = self.records.body.len();
        }
        Some(record)
    }
}

impl<'a> Headers<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + 'a {
        let bytes = self.bytes;
        let mut at = 0;
        (0..self.count).map_while(move |_| {
            let name = field(bytes, &mut at).ok()??;
            Some((name, field(bytes, &mut at).ok()?))
        })
    }
}
