//! Records as bytes: to copy them without reading what is in them.

use alloc::vec::Vec;

use crate::FrameError;
use crate::varint::{Reader, put, width};

/// One record, of which only the place is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// All of it, its length included.
    pub whole: &'a [u8],
    /// What is added to the base timestamp.
    pub timestamp_delta: i64,
    /// What is added to the base offset.
    pub offset_delta: i64,
    /// Its key, value and headers, as they are written.
    pub rest: &'a [u8],
}

/// Iterates over records as bytes.
#[derive(Clone, Debug)]
pub struct RawRecords<'a> {
    bytes: &'a [u8],
    reader: Reader<'a>,
    left: u32,
}

impl<'a> RawRecords<'a> {
    /// Over the first `count` records of `body`, as they lie in a record batch.
    #[must_use]
    pub fn new(body: &'a [u8], count: u32) -> RawRecords<'a> {
        RawRecords {
            bytes: body,
            reader: Reader::new(body, 0),
            left: count,
        }
    }

    fn read(&mut self) -> Result<RawRecord<'a>, FrameError> {
        let begin = self.reader.at();
        let length = self.reader.length("the length of a record")?;
        let body = self.reader.take(length, "a record")?;
        let mut inner = Reader::new(body, 0);
        let what = "the beginning of a record";
        inner.take(1, what)?;
        let timestamp_delta = inner.varint(what)?;
        let offset_delta = inner.varint(what)?;
        Ok(RawRecord {
            whole: self.bytes.get(begin..self.reader.at()).unwrap_or_default(),
            timestamp_delta,
            offset_delta,
            rest: body.get(inner.at()..).unwrap_or_default(),
        })
    }
}

impl<'a> Iterator for RawRecords<'a> {
    type Item = Result<RawRecord<'a>, FrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let read = self.read();
        if read.is_err() {
            self.left = 0;
        }
        Some(read)
    }
}

/// Appends a record with other deltas than it had. `rest` is that of a [`RawRecord`].
#[inline]
pub fn put_raw(out: &mut Vec<u8>, timestamp_delta: i64, offset_delta: i64, rest: &[u8]) {
    let length = 1 + width(timestamp_delta) + width(offset_delta) + rest.len();
    put(out, length as i64);
    out.push(0);
    put(out, timestamp_delta);
    put(out, offset_delta);
    out.extend_from_slice(rest);
}
