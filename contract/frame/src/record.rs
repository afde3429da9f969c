//! One record, borrowed.

use crate::FrameError;
use crate::varint::Reader;

/// One record of a frame or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its offset in the partition; -1 where it has none yet, as on ingest.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: usize,
}

/// The deltas of a record as they are written, before they are added to what they count from.
pub(crate) struct Raw<'a> {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
    /// From the key on, as it is written.
    pub(crate) rest: &'a [u8],
}

/// Reads one record with its length before it.
#[inline]
pub(crate) fn read<'a>(reader: &mut Reader<'a>) -> Result<Raw<'a>, FrameError> {
    let length = reader.length("the length of a record")?;
    let begin = reader.at();
    let body = reader.take(length, "a record")?;
    let shift = |error| moved(error, begin);
    parse(body).map_err(shift)
}

fn parse(body: &[u8]) -> Result<Raw<'_>, FrameError> {
    let mut reader = Reader::new(body, 0);
    let [_attributes] = reader.array("the attributes of a record")?;
    let timestamp_delta = reader.varint("the timestamp of a record")?;
    let offset_delta = reader.varint("the offset of a record")?;
    let rest = body.get(reader.at()..).unwrap_or_default();
    let key = reader.nullable("the key of a record")?;
    let value = reader.nullable("the value of a record")?;
    let count = reader.length("the number of headers")?;
    let headers = reader.at();
    for _ in 0..count {
        let length = reader.length("the name of a header")?;
        let at = reader.at();
        let name = reader.take(length, "the name of a header")?;
        if core::str::from_utf8(name).is_err() {
            return Err(FrameError::Invalid {
                what: "the name of a header (UTF-8)",
                at,
            });
        }
        reader.nullable("the value of a header")?;
    }
    if !reader.is_at_end() {
        return Err(FrameError::Rest { at: reader.at() });
    }
    Ok(Raw {
        timestamp_delta,
        offset_delta,
        key,
        value,
        headers: Headers {
            bytes: body.get(headers..).unwrap_or_default(),
            count,
        },
        rest,
    })
}

/// An error at a place within a record, told by its place in the whole.
fn moved(error: FrameError, by: usize) -> FrameError {
    match error {
        FrameError::Cut { what, at } => FrameError::Cut { what, at: at + by },
        FrameError::Invalid { what, at } => FrameError::Invalid { what, at: at + by },
        FrameError::Rest { at } => FrameError::Rest { at: at + by },
        version @ FrameError::Version(_) => version,
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

    /// Each name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let mut reader = Reader::new(self.bytes, 0);
        // Checked when the record was read.
        (0..self.count).map_while(move |_| {
            let length = reader.length("").ok()?;
            let name = core::str::from_utf8(reader.take(length, "").ok()?).ok()?;
            Some((name, reader.nullable("").ok()?))
        })
    }

    /// The headers as they are written, without their number.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}
