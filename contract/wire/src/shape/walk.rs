//! Walking a message by its shape.

use super::{Field, Kind, Shape};

/// Decoded, a message may take this many times its own bytes ...
const GROWTH: usize = 32;
/// ... and this much whatever its size.
const FLOOR: usize = 1 << 20;

/// What the codec allocates for the first entry of a map of unknown tagged fields: a node for eleven.
const TAGS_NODE: usize = 12 * size_of::<(i32, bytes::Bytes)>();

/// What a walk came to.
pub(super) struct Walked {
    /// Bytes that follow the message.
    pub(super) left: usize,
    /// Bytes of memory that decoding takes besides those of the message, which strings and data share.
    pub(super) memory: usize,
}

/// Walks the front of `body` by `shape`. Decoding may take `most` bytes of memory.
pub(super) fn front(shape: &'static Shape, version: i16, body: &[u8], most: usize) -> Result<Walked, String> {
    let allowed = body.len().saturating_mul(GROWTH).clamp(FLOOR, most);
    let mut walk = Walk {
        rest: body,
        version,
        flexible: version >= shape.flexible,
        memory: allowed,
    };
    walk.fields(shape.fields)?;
    Ok(Walked {
        left: walk.rest.len(),
        memory: allowed - walk.memory,
    })
}

/// Walks a header, whose string is never compact; see [`super::check_header`].
pub(super) fn header(fixed: usize, text: bool, flexible: bool, header: &[u8]) -> Result<(), String> {
    let mut walk = Walk {
        rest: header,
        version: 0,
        flexible: false,
        memory: FLOOR,
    };
    walk.skip(fixed)?;
    if text {
        walk.text()?;
    }
    if flexible { walk.tags(&[]) } else { Ok(()) }
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    /// Bytes that decoding may still take.
    memory: usize,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &'static [Field]) -> Result<(), String> {
        let version = self.version;
        for field in fields
            .iter()
            .filter(|field| field.tag.is_none() && field.is_in(version))
        {
            self.field(field)?;
        }
        if self.flexible { self.tags(fields) } else { Ok(()) }
    }

    fn field(&mut self, field: &'static Field) -> Result<(), String> {
        let wrong = |what: &str| format!("{}: {what}", field.name);
        match &field.kind {
            Kind::Fixed(size) => self.skip(*size).map_err(wrong),
            Kind::Text => self.text().map_err(wrong),
            Kind::Data => self.data().map_err(wrong),
            Kind::Fixeds(size) => {
                let count = self.count(*size).map_err(wrong)?;
                self.skip(count * size).map_err(wrong)
            }
            Kind::Texts => {
                for _ in 0..self.count(size_of::<bytes::Bytes>()).map_err(wrong)? {
                    self.text().map_err(wrong)?;
                }
                Ok(())
            }
            Kind::Structs(size, fields) => {
                for _ in 0..self.count(*size).map_err(wrong)? {
                    self.fields(fields)?;
                }
                Ok(())
            }
            Kind::Inner(fields) => self.fields(fields),
            Kind::Optional(fields) => match self.byte().map_err(wrong)? {
                0xff => Ok(()),
                _ => self.fields(fields),
            },
        }
    }

    /// The tagged section. A field that is known must fill its claimed size: the codec goes by the field,
    /// not by the claim.
    fn tags(&mut self, fields: &'static [Field]) -> Result<(), String> {
        let mut unknown = 0;
        for _ in 0..self.varint()? {
            let (tag, size) = (self.varint()?, self.varint()? as usize);
            if tag > i32::MAX.unsigned_abs() {
                return Err(format!("tagged field {tag}: there is no such number"));
            }
            let known = fields
                .iter()
                .find(|field| field.tag == Some(tag) && field.is_in(self.version));
            let Some(after) = self.rest.len().checked_sub(size) else {
                return Err(format!("tagged field {tag}: it is cut short"));
            };
            match known {
                None => {
                    self.skip(size)?;
                    let first = if unknown == 0 { TAGS_NODE } else { 0 };
                    unknown += 1;
                    self.take_memory(first + size_of::<(i32, bytes::Bytes)>() * 2)?;
                }
                Some(field) => {
                    self.field(field)?;
                    if self.rest.len() != after {
                        return Err(format!("{}: it does not fill its claimed size", field.name));
                    }
                }
            }
        }
        Ok(())
    }

    /// How many elements an array claims; each must take a byte at least, and its share of memory.
    fn count(&mut self, decoded_size: usize) -> Result<usize, &'static str> {
        let count = if self.flexible {
            self.varint()?.saturating_sub(1) as usize
        } else {
            self.number::<4>()
                .map(|bytes| usize::try_from(i32::from_be_bytes(bytes)).unwrap_or(0))?
        };
        if count > self.rest.len() {
            return Err("the array claims more elements than there are bytes");
        }
        self.take_memory(count.saturating_mul(decoded_size.max(1)))?;
        Ok(count)
    }

    fn text(&mut self) -> Result<(), &'static str> {
        let length = if self.flexible {
            self.varint()?.saturating_sub(1) as usize
        } else {
            self.number::<2>()
                .map(|bytes| usize::try_from(i16::from_be_bytes(bytes)).unwrap_or(0))?
        };
        self.skip(length)
    }

    fn data(&mut self) -> Result<(), &'static str> {
        let length = if self.flexible {
            self.varint()?.saturating_sub(1) as usize
        } else {
            self.number::<4>()
                .map(|bytes| usize::try_from(i32::from_be_bytes(bytes)).unwrap_or(0))?
        };
        self.skip(length)
    }

    /// An unsigned varint, as the codec reads it: at most five bytes.
    fn varint(&mut self) -> Result<u32, &'static str> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a length is longer than five bytes")
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        self.number::<1>().map(|[byte]| byte)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or("it is cut short")?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn skip(&mut self, size: usize) -> Result<(), &'static str> {
        self.rest = self.rest.get(size..).ok_or("it is cut short")?;
        Ok(())
    }

    fn take_memory(&mut self, bytes: usize) -> Result<(), &'static str> {
        self.memory = self
            .memory
            .checked_sub(bytes)
            .ok_or("it would take too much memory for its size")?;
        Ok(())
    }
}
