//! Kafka's variable-length numbers: zigzag, then seven bits a byte, the lowest first; and bytes read in order.

use alloc::vec::Vec;

use crate::FrameError;

/// Reads from bytes, front to back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Reader<'a> {
        Reader { bytes, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], FrameError> {
        let at = self.at;
        let end = at.checked_add(count).ok_or(FrameError::Cut { what, at })?;
        let taken = self.bytes.get(at..end).ok_or(FrameError::Cut { what, at })?;
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], FrameError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, FrameError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// A signed number of up to 64 bits.
    #[inline]
    pub(crate) fn varint(&mut self, what: &'static str) -> Result<i64, FrameError> {
        let at = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(FrameError::Cut { what, at })?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if shift == 63 && byte > 1 {
                    break;
                }
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(FrameError::Invalid { what, at })
    }

    /// A length that is at least 0.
    #[inline]
    pub(crate) fn length(&mut self, what: &'static str) -> Result<usize, FrameError> {
        let at = self.at;
        usize::try_from(self.varint(what)?).map_err(|_| FrameError::Invalid { what, at })
    }

    /// Bytes with their length before them; length -1 says that there are none.
    #[inline]
    pub(crate) fn nullable(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, FrameError> {
        let at = self.at;
        match self.varint(what)? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| FrameError::Invalid { what, at })?;
                self.take(length, what).map(Some)
            }
        }
    }
}

/// Appends a number.
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends bytes with their length before them.
#[inline]
pub(crate) fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
        None => out.push(1),
    }
}

/// How many bytes a number takes.
#[inline]
pub(crate) fn width(value: i64) -> usize {
    let rest = ((value << 1) ^ (value >> 63)) as u64;
    (64 - (rest | 1).leading_zeros() as usize).div_ceil(7)
}

/// How many bytes nullable bytes take with their length.
#[inline]
pub(crate) fn nullable_width(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| width(bytes.len() as i64) + bytes.len())
}
