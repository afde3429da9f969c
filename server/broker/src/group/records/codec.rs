//! Kafka's primitive encodings, as far as coordinator records use them.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;
use uuid::Uuid;

/// A coordinator record that cannot be read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes end inside a field.
    #[error("the record ends inside `{0}`; it was cut, or written by something else")]
    Truncated(&'static str),
    /// A length or a string makes no sense.
    #[error("field `{0}` has an impossible length or is not UTF-8")]
    Malformed(&'static str),
    /// A version that this program does not know.
    #[error("{what} has version {version}, which is newer than this program; upgrade the server")]
    Version {
        /// What was read.
        what: &'static str,
        /// The version it claims.
        version: i16,
    },
}

/// Reads fields off the front of a slice; never past its end.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, n: usize, field: &'static str) -> Result<&'a [u8], RecordError> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(RecordError::Truncated(field))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RecordError> {
        let (head, tail) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(RecordError::Truncated(field))?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn i8(&mut self, field: &'static str) -> Result<i8, RecordError> {
        self.array(field).map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i16, RecordError> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, RecordError> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, RecordError> {
        self.array(field).map(i64::from_be_bytes)
    }

    pub(crate) fn uuid(&mut self, field: &'static str) -> Result<Uuid, RecordError> {
        self.array(field).map(Uuid::from_bytes)
    }

    fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, RecordError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array(field)?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(RecordError::Malformed(field))
    }

    /// A length in the encoding of `flexible` or classic versions; `None` is null.
    fn length(
        &mut self,
        flexible: bool,
        wide: bool,
        field: &'static str,
    ) -> Result<Option<usize>, RecordError> {
        let length = if flexible {
            i64::from(self.unsigned_varint(field)?) - 1
        } else if wide {
            i64::from(self.i32(field)?)
        } else {
            i64::from(self.i16(field)?)
        };
        match length {
            -1 => Ok(None),
            n => usize::try_from(n)
                .map(Some)
                .map_err(|_| RecordError::Malformed(field)),
        }
    }

    pub(crate) fn nullable_string(
        &mut self,
        flexible: bool,
        field: &'static str,
    ) -> Result<Option<String>, RecordError> {
        let Some(length) = self.length(flexible, false, field)? else {
            return Ok(None);
        };
        let bytes = self.take(length, field)?;
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::Malformed(field))?;
        Ok(Some(text.to_owned()))
    }

    pub(crate) fn string(&mut self, flexible: bool, field: &'static str) -> Result<String, RecordError> {
        self.nullable_string(flexible, field)?
            .ok_or(RecordError::Malformed(field))
    }

    pub(crate) fn bytes(&mut self, flexible: bool, field: &'static str) -> Result<Bytes, RecordError> {
        let length = self
            .length(flexible, true, field)?
            .ok_or(RecordError::Malformed(field))?;
        Ok(Bytes::copy_from_slice(self.take(length, field)?))
    }

    /// An array, element by element: memory grows only with what was really read.
    pub(crate) fn list<T>(
        &mut self,
        flexible: bool,
        field: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        let length = self.length(flexible, true, field)?.unwrap_or(0);
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(element(self)?);
        }
        Ok(items)
    }

    /// Tagged fields: hands each to `field`, which may ignore it.
    pub(crate) fn tags(&mut self, mut field: impl FnMut(u32, &[u8])) -> Result<(), RecordError> {
        for _ in 0..self.unsigned_varint("tagged fields")? {
            let tag = self.unsigned_varint("tag")?;
            let size = self.unsigned_varint("tag size")?;
            let size = usize::try_from(size).map_err(|_| RecordError::Malformed("tag size"))?;
            field(tag, self.take(size, "tagged field")?);
        }
        Ok(())
    }

    pub(crate) fn skip_tags(&mut self) -> Result<(), RecordError> {
        self.tags(|_, _| ())
    }
}

/// Longest string, in bytes, of the non-flexible encodings.
const LONGEST_STRING: usize = 0x7fff;

/// The longest head of `text` of at most `limit` bytes.
pub(crate) fn clip(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// Appends fields to a buffer.
#[derive(Default)]
pub(crate) struct Writer(BytesMut);

impl Writer {
    /// Starts a key or value, which both begin with a 16-bit version (for keys: the kind).
    pub(crate) fn versioned(version: i16) -> Self {
        let mut writer = Self(BytesMut::with_capacity(64));
        writer.0.put_i16(version);
        writer
    }

    pub(crate) fn finish(self) -> Bytes {
        self.0.freeze()
    }

    pub(crate) fn i8(&mut self, value: i8) -> &mut Self {
        self.0.put_i8(value);
        self
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.0.put_i32(value);
        self
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.0.put_i64(value);
        self
    }

    pub(crate) fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.0.put_slice(value.as_bytes());
        self
    }

    pub(crate) fn unsigned_varint(&mut self, mut value: u32) -> &mut Self {
        while value >= 0x80 {
            // The low seven bits, and the mark that more follow.
            self.0.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.put_u8(value as u8);
        self
    }

    /// The coordinator bounds what it keeps far below 16 bits of length. Were one longer all the same,
    /// a cut string is better than a record that nobody can read.
    pub(crate) fn string(&mut self, flexible: bool, value: &str) -> &mut Self {
        let value = clip(value, LONGEST_STRING);
        // `clip` leaves at most what 15 bits hold.
        let length = value.len() as u16;
        if flexible {
            self.unsigned_varint(u32::from(length) + 1);
        } else {
            self.0.put_u16(length);
        }
        self.0.put_slice(value.as_bytes());
        self
    }

    pub(crate) fn nullable_string(&mut self, flexible: bool, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.string(flexible, value),
            None if flexible => self.unsigned_varint(0),
            None => {
                self.0.put_i16(-1);
                self
            }
        }
    }

    /// Opaque bytes of the non-flexible versions.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.0.put_slice(value);
        self
    }

    /// Opaque bytes of the flexible versions.
    pub(crate) fn compact_bytes(&mut self, value: &[u8]) -> &mut Self {
        self.compact_length(value.len());
        self.0.put_slice(value);
        self
    }

    /// Ends a struct with one tagged field.
    pub(crate) fn tag(&mut self, tag: u32, value: &[u8]) -> &mut Self {
        self.unsigned_varint(1).unsigned_varint(tag);
        self.unsigned_varint(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.put_slice(value);
        self
    }

    pub(crate) fn compact_length(&mut self, length: usize) -> &mut Self {
        self.unsigned_varint(u32::try_from(length + 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn no_tags(&mut self) -> &mut Self {
        self.unsigned_varint(0)
    }
}
