//! Zigzag variable-length integers, as records use them (Protocol Buffers' `sint`).

use super::BatchError;

/// Most bytes that a 64-bit varint takes.
pub(super) const MAX_LEN: usize = 10;

/// Reads a signed varint at `*at` and moves past it.
#[inline]
pub(super) fn read(bytes: &[u8], at: &mut usize) -> Result<i64, BatchError> {
    // One byte covers lengths up to 63 and is by far the most frequent.
    if let Some(&byte) = bytes.get(*at)
        && byte < 0x80
    {
        *at += 1;
        return Ok(unzigzag(u64::from(byte)));
    }
    read_long(bytes, at)
}

fn read_long(bytes: &[u8], at: &mut usize) -> Result<i64, BatchError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some(&byte) = bytes.get(*at) else {
            return Err(BatchError::Corrupt("a record ends inside a number"));
        };
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(unzigzag(value));
        }
    }
    Err(BatchError::Corrupt(
        "a number in a record is longer than 10 bytes",
    ))
}

/// Appends a signed varint.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push((rest as u8) | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes that `value` takes.
#[inline]
pub(super) fn len(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_take_the_bytes_foretold() {
        for value in [
            0,
            1,
            -1,
            63,
            64,
            -64,
            -65,
            8191,
            8192,
            i64::from(i32::MAX),
            i64::MAX,
            i64::MIN,
        ] {
            let mut out = Vec::new();
            write(&mut out, value);
            assert_eq!(out.len(), len(value), "{value}");
            assert!(out.len() <= MAX_LEN);
            let mut at = 0;
            assert_eq!(read(&out, &mut at).unwrap(), value);
            assert_eq!(at, out.len());
            assert!(read(&out[..out.len() - 1], &mut 0).is_err());
        }
        assert!(read(&[0xff; 11], &mut 0).is_err());
    }
}
