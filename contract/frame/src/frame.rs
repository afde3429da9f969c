//! What the host hands to a guest.

use crate::record::{self, Record};
use crate::varint::Reader;
use crate::{FRAME_HEADER, FrameError, VERSION};

/// What a frame's records are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// To be filtered, mapped or validated.
    Records,
    /// Older records, to rebuild state from: nothing is to come out of them.
    LookBack,
    /// To be folded into the accumulator that the frame carries.
    Aggregate,
    /// Pairs: a left record, then its right one.
    Join,
}

impl FrameKind {
    fn code(self) -> u8 {
        match self {
            FrameKind::Records => 0,
            FrameKind::LookBack => 1,
            FrameKind::Aggregate => 2,
            FrameKind::Join => 3,
        }
    }

    fn of(code: u8) -> Option<FrameKind> {
        match code {
            0 => Some(FrameKind::Records),
            1 => Some(FrameKind::LookBack),
            2 => Some(FrameKind::Aggregate),
            3 => Some(FrameKind::Join),
            _ => None,
        }
    }
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the records are for.
    pub kind: FrameKind,
    /// Records that follow.
    pub count: u32,
    /// Bytes of the accumulator that lies between this header and the records; 0 for none.
    pub accumulator: u32,
    /// What the offsets of the records count from; -1 where they have none yet, and then no record has one.
    pub base_offset: i64,
    /// What the timestamps of the records count from, in milliseconds since 1970.
    pub base_timestamp: i64,
    /// The server stamped the batch: every record bears the base timestamp.
    pub stamped: bool,
}

const STAMPED: u8 = 1;

impl FrameHeader {
    /// As it is written.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; FRAME_HEADER] {
        let mut bytes = [0; FRAME_HEADER];
        bytes[0] = VERSION;
        bytes[1] = self.kind.code();
        bytes[2] = if self.stamped { STAMPED } else { 0 };
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.base_offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.base_timestamp.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.accumulator.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<FrameHeader, FrameError> {
        let mut reader = Reader::new(bytes, 0);
        let what = "the header of a frame";
        let [version, kind, flags, zero] = reader.array(what)?;
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        let kind = FrameKind::of(kind).ok_or(FrameError::Invalid {
            what: "the kind of a frame",
            at: 1,
        })?;
        if flags & !STAMPED != 0 || zero != 0 {
            return Err(FrameError::Invalid {
                what: "a flag of a frame",
                at: 2,
            });
        }
        Ok(FrameHeader {
            kind,
            count: reader.u32(what)?,
            base_offset: i64::from_le_bytes(reader.array(what)?),
            base_timestamp: i64::from_le_bytes(reader.array(what)?),
            accumulator: reader.u32(what)?,
            stamped: flags & STAMPED != 0,
        })
    }
}

/// A frame, borrowed. Its records are checked as they are read.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    header: FrameHeader,
    accumulator: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`FrameError`]; what is wrong with a record shows when it is read.
    pub fn read(bytes: &'a [u8]) -> Result<Frame<'a>, FrameError> {
        let header = FrameHeader::read(bytes)?;
        let mut reader = Reader::new(bytes, FRAME_HEADER);
        let accumulator = reader.take(header.accumulator as usize, "the accumulator")?;
        Ok(Frame {
            header,
            accumulator,
            bytes,
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// How many records it says it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header.count as usize
    }

    /// Whether it says it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.count == 0
    }

    /// The accumulator to fold into; empty at the very beginning.
    #[must_use]
    pub fn accumulator(&self) -> &'a [u8] {
        self.accumulator
    }

    /// The records in order; the first that cannot be read ends them with its error.
    #[must_use]
    pub fn records(&self) -> Frames<'a> {
        Frames {
            header: self.header,
            reader: Reader::new(self.bytes, FRAME_HEADER + self.accumulator.len()),
            left: self.header.count,
        }
    }
}

/// Iterates over the records of a [`Frame`].
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    header: FrameHeader,
    reader: Reader<'a>,
    left: u32,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Record<'a>, FrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let raw = match record::read(&mut self.reader) {
            Ok(raw) => raw,
            Err(error) => {
                self.left = 0;
                return Some(Err(error));
            }
        };
        if self.left == 0 && !self.reader.is_at_end() {
            return Some(Err(FrameError::Rest { at: self.reader.at() }));
        }
        let FrameHeader {
            base_offset,
            base_timestamp,
            stamped,
            ..
        } = self.header;
        Some(Ok(Record {
            offset: if base_offset < 0 {
                -1
            } else {
                base_offset.wrapping_add(raw.offset_delta)
            },
            timestamp: if stamped {
                base_timestamp
            } else {
                base_timestamp.wrapping_add(raw.timestamp_delta)
            },
            key: raw.key,
            value: raw.value,
            headers: raw.headers,
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}
