//! Writing frames and answers.

use alloc::vec::Vec;

use crate::answer;
use crate::record::Headers;
use crate::varint::{nullable_width, put, put_nullable, width};
use crate::{FRAME_HEADER, FrameHeader, Selection};

/// Where the headers of a new record come from.
#[derive(Clone, Copy, Debug)]
enum HeaderSource<'a> {
    As(Headers<'a>),
    New(&'a [(&'a str, Option<&'a [u8]>)]),
}

/// A record to write.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    headers: HeaderSource<'a>,
}

impl<'a> NewRecord<'a> {
    /// A record without headers.
    #[must_use]
    pub fn new(timestamp: i64, key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> NewRecord<'a> {
        NewRecord {
            timestamp,
            key,
            value,
            headers: HeaderSource::New(&[]),
        }
    }

    /// With the headers of another record, copied as they are.
    #[must_use]
    pub fn with_headers_of(mut self, headers: Headers<'a>) -> NewRecord<'a> {
        self.headers = HeaderSource::As(headers);
        self
    }

    /// With these headers.
    #[must_use]
    pub fn with_headers(mut self, headers: &'a [(&'a str, Option<&'a [u8]>)]) -> NewRecord<'a> {
        self.headers = HeaderSource::New(headers);
        self
    }

    /// Appends it as in a record batch, with its length before it.
    fn put(&self, out: &mut Vec<u8>, base_timestamp: i64, offset_delta: i64) {
        let timestamp_delta = self.timestamp.wrapping_sub(base_timestamp);
        let headers = match self.headers {
            HeaderSource::As(headers) => width(headers.len() as i64) + headers.bytes().len(),
            HeaderSource::New(headers) => {
                let each = headers
                    .iter()
                    .map(|(name, value)| nullable_width(Some(name.as_bytes())) + nullable_width(*value));
                width(headers.len() as i64) + each.sum::<usize>()
            }
        };
        let length = 1
            + width(timestamp_delta)
            + width(offset_delta)
            + nullable_width(self.key)
            + nullable_width(self.value)
            + headers;
        put(out, length as i64);
        out.push(0);
        put(out, timestamp_delta);
        put(out, offset_delta);
        put_nullable(out, self.key);
        put_nullable(out, self.value);
        match self.headers {
            HeaderSource::As(headers) => {
                put(out, headers.len() as i64);
                out.extend_from_slice(headers.bytes());
            }
            HeaderSource::New(headers) => {
                put(out, headers.len() as i64);
                for (name, value) in headers {
                    put_nullable(out, Some(name.as_bytes()));
                    put_nullable(out, *value);
                }
            }
        }
    }
}

/// Writes a frame of single records. A host that has a stored batch copies its records behind a [`FrameHeader`]
/// instead.
#[derive(Clone, Debug)]
pub struct FrameWriter {
    header: FrameHeader,
    bytes: Vec<u8>,
}

impl FrameWriter {
    /// Begins a frame; the counts of `header` are set by what is written.
    #[must_use]
    pub fn new(header: FrameHeader, accumulator: &[u8]) -> FrameWriter {
        let mut bytes = Vec::with_capacity(FRAME_HEADER + accumulator.len());
        bytes.extend_from_slice(&[0; FRAME_HEADER]);
        bytes.extend_from_slice(accumulator);
        let accumulator = accumulator.len() as u32;
        FrameWriter {
            header: FrameHeader {
                count: 0,
                accumulator,
                ..header
            },
            bytes,
        }
    }

    /// Appends a record at `offset`, which counts for nothing when the frame has no base offset.
    pub fn push(&mut self, offset: i64, record: &NewRecord<'_>) {
        let delta = match self.header.base_offset {
            0.. => offset.wrapping_sub(self.header.base_offset),
            _ => i64::from(self.header.count),
        };
        record.put(&mut self.bytes, self.header.base_timestamp, delta);
        self.header.count += 1;
    }

    /// The frame.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes
            .splice(..FRAME_HEADER, self.header.to_bytes())
            .for_each(drop);
        self.bytes
    }
}

/// Writes an answer.
#[derive(Clone, Debug)]
pub struct AnswerWriter {
    count: u32,
    base_timestamp: i64,
    records: u32,
    body: Vec<u8>,
    failed: u32,
    failures: Vec<u8>,
}

impl AnswerWriter {
    /// Begins an answer to a frame.
    #[must_use]
    pub fn new(frame: &FrameHeader) -> AnswerWriter {
        AnswerWriter {
            count: frame.count,
            base_timestamp: frame.base_timestamp,
            records: 0,
            body: Vec::new(),
            failed: 0,
            failures: Vec::new(),
        }
    }

    /// Appends a record that came of the record at `source`. Sources must not go back.
    pub fn record(&mut self, source: u32, record: &NewRecord<'_>) {
        put(&mut self.body, i64::from(source));
        record.put(&mut self.body, self.base_timestamp, 0);
        self.records += 1;
    }

    /// Says that the record at `index` failed. Indexes must go up.
    pub fn fail(&mut self, index: u32, message: &str) {
        put(&mut self.failures, i64::from(index));
        put_nullable(&mut self.failures, Some(message.as_bytes()));
        self.failed += 1;
    }

    /// The answer, with the records that were written.
    #[must_use]
    pub fn records(self, accumulator: Option<&[u8]>) -> Vec<u8> {
        let records = Some(self.records);
        let body = self.body;
        assemble(
            answer::header(records, self.count, self.failed, length(accumulator)),
            [&body, &self.failures, accumulator.unwrap_or_default()],
        )
    }

    /// The answer, with some of the frame's own records. Records that were written are not in it.
    #[must_use]
    pub fn selection(self, selection: &Selection) -> Vec<u8> {
        assemble(
            answer::header(None, self.count, self.failed, None),
            [selection.bits(), &self.failures, &[]],
        )
    }
}

fn length(accumulator: Option<&[u8]>) -> Option<u32> {
    accumulator.map(|bytes| bytes.len() as u32)
}

fn assemble(header: [u8; crate::ANSWER_HEADER], parts: [&[u8]; 3]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(header.len() + parts.iter().map(|part| part.len()).sum::<usize>());
    bytes.extend_from_slice(&header);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}
