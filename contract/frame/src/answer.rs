//! What a guest answers.

use crate::record::{self, Headers};
use crate::varint::Reader;
use crate::{ANSWER_HEADER, FrameError, VERSION};

/// An answer, borrowed, and checked as a whole when it was read.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    body: Body<'a>,
    accumulator: Option<&'a [u8]>,
    failed: FailedRecords<'a>,
}

/// What comes of the records.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Some of them, as they are: one bit each, the lowest of the first byte being the first record's.
    Selection(&'a [u8]),
    /// Others in their stead.
    Records(AnswerRecords<'a>),
}

/// One record of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerRecord<'a> {
    /// Which record of the frame it came of. It never goes back from one to the next.
    pub source: u32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
    /// What is added to the frame's base timestamp.
    pub timestamp_delta: i64,
    /// Key, value and headers, as they are written.
    pub rest: &'a [u8],
}

/// A record of the frame that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedRecord<'a> {
    /// Which record of the frame.
    pub index: u32,
    /// Why, for people.
    pub message: &'a str,
}

const SELECTION: u8 = 0;
const RECORDS: u8 = 1;
const ACCUMULATOR: u8 = 1;

impl<'a> Answer<'a> {
    /// Reads and checks an answer to a frame of `count` records whose timestamps count from `base_timestamp`.
    ///
    /// # Errors
    /// [`FrameError`]: anything is cut, left over or out of range; an index is that of no record or goes back.
    pub fn read(bytes: &'a [u8], count: u32, base_timestamp: i64) -> Result<Answer<'a>, FrameError> {
        let mut reader = Reader::new(bytes, 0);
        let what = "the header of an answer";
        let [version, kind, flags, zero] = reader.array(what)?;
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if flags & !ACCUMULATOR != 0 || zero != 0 {
            return Err(invalid("a flag of an answer", 2));
        }
        let records = reader.u32(what)?;
        let failed = reader.u32(what)?;
        let accumulator = reader.u32(what)?;
        let body = match kind {
            SELECTION if records != count => {
                return Err(invalid("the count of a selection (it must be the frame's)", 4));
            }
            SELECTION => Body::Selection(selection(&mut reader, count)?),
            RECORDS => Body::Records(changed(&mut reader, records, count, base_timestamp)?),
            _ => return Err(invalid("the kind of an answer", 1)),
        };
        let failed = failures(&mut reader, bytes, failed, count)?;
        let accumulator = match (flags & ACCUMULATOR != 0, accumulator) {
            (true, length) => Some(reader.take(length as usize, "the accumulator")?),
            (false, 0) => None,
            (false, _) => return Err(invalid("the length of an accumulator that is not there", 12)),
        };
        if !reader.is_at_end() {
            return Err(FrameError::Rest { at: reader.at() });
        }
        Ok(Answer {
            body,
            accumulator,
            failed,
        })
    }

    /// What comes of the records.
    #[must_use]
    pub fn body(&self) -> Body<'a> {
        self.body
    }

    /// The new accumulator, when the answer has one.
    #[must_use]
    pub fn accumulator(&self) -> Option<&'a [u8]> {
        self.accumulator
    }

    /// The records that failed, in order. A failed record is not kept, whatever its bit says.
    #[must_use]
    pub fn failed(&self) -> FailedRecords<'a> {
        self.failed
    }
}

fn invalid(what: &'static str, at: usize) -> FrameError {
    FrameError::Invalid { what, at }
}

fn selection<'a>(reader: &mut Reader<'a>, count: u32) -> Result<&'a [u8], FrameError> {
    let at = reader.at();
    let bits = reader.take((count as usize).div_ceil(8), "a selection")?;
    if let Some(last) = bits.last()
        && !count.is_multiple_of(8)
        && last >> (count % 8) != 0
    {
        return Err(invalid(
            "a bit of a selection that stands for no record",
            at + bits.len() - 1,
        ));
    }
    Ok(bits)
}

fn changed<'a>(
    reader: &mut Reader<'a>,
    records: u32,
    count: u32,
    base_timestamp: i64,
) -> Result<AnswerRecords<'a>, FrameError> {
    let begun = AnswerRecords {
        reader: *reader,
        left: records,
        base_timestamp,
    };
    let mut least = 0;
    for _ in 0..records {
        let at = reader.at();
        let source = reader.length("the source of a record")?;
        if source < least || source >= count as usize {
            return Err(invalid(
                "the source of a record (it names no record of the frame, or goes back)",
                at,
            ));
        }
        least = source;
        record::read(reader)?;
    }
    Ok(begun)
}

fn failures<'a>(
    reader: &mut Reader<'a>,
    bytes: &'a [u8],
    failed: u32,
    count: u32,
) -> Result<FailedRecords<'a>, FrameError> {
    let begin = reader.at();
    let mut least = 0;
    for _ in 0..failed {
        let at = reader.at();
        let index = reader.length("the index of a failed record")?;
        if index < least || index >= count as usize {
            return Err(invalid(
                "the index of a failed record (it names no record of the frame, or goes back)",
                at,
            ));
        }
        // Each fails once at most.
        least = index + 1;
        let length = reader.length("the message of a failed record")?;
        let at = reader.at();
        let message = reader.take(length, "the message of a failed record")?;
        if core::str::from_utf8(message).is_err() {
            return Err(invalid("the message of a failed record (UTF-8)", at));
        }
    }
    Ok(FailedRecords {
        reader: Reader::new(bytes, begin),
        left: failed,
    })
}

/// The records of an answer, in order.
#[derive(Clone, Copy, Debug)]
pub struct AnswerRecords<'a> {
    reader: Reader<'a>,
    left: u32,
    base_timestamp: i64,
}

impl<'a> AnswerRecords<'a> {
    /// How many are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for AnswerRecords<'a> {
    type Item = AnswerRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<AnswerRecord<'a>> {
        self.left = self.left.checked_sub(1)?;
        // Checked when the answer was read.
        let source = u32::try_from(self.reader.length("").ok()?).ok()?;
        let raw = record::read(&mut self.reader).ok()?;
        Some(AnswerRecord {
            source,
            timestamp: self.base_timestamp.wrapping_add(raw.timestamp_delta),
            key: raw.key,
            value: raw.value,
            headers: raw.headers,
            timestamp_delta: raw.timestamp_delta,
            rest: raw.rest,
        })
    }
}

/// The failed records of an answer, in order.
#[derive(Clone, Copy, Debug)]
pub struct FailedRecords<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl FailedRecords<'_> {
    /// How many are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for FailedRecords<'a> {
    type Item = FailedRecord<'a>;

    fn next(&mut self) -> Option<FailedRecord<'a>> {
        self.left = self.left.checked_sub(1)?;
        // Checked when the answer was read.
        let index = u32::try_from(self.reader.length("").ok()?).ok()?;
        let length = self.reader.length("").ok()?;
        let message = core::str::from_utf8(self.reader.take(length, "").ok()?).ok()?;
        Some(FailedRecord { index, message })
    }
}

/// Bytes of an answer's header.
pub(crate) fn header(
    records: Option<u32>,
    count: u32,
    failed: u32,
    accumulator: Option<u32>,
) -> [u8; ANSWER_HEADER] {
    let mut bytes = [0; ANSWER_HEADER];
    bytes[0] = VERSION;
    bytes[1] = if records.is_some() { RECORDS } else { SELECTION };
    bytes[2] = if accumulator.is_some() { ACCUMULATOR } else { 0 };
    bytes[4..8].copy_from_slice(&records.unwrap_or(count).to_le_bytes());
    bytes[8..12].copy_from_slice(&failed.to_le_bytes());
    bytes[12..16].copy_from_slice(&accumulator.unwrap_or(0).to_le_bytes());
    bytes
}
