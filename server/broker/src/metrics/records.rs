//! How many records are in stored batches, told from their headers alone.

use bytes::Bytes;

/// Where a batch's length (of what follows it) is.
const LENGTH_AT: usize = 8;
/// Bytes before what the length counts.
const LENGTH_END: usize = 12;
/// Where a batch's number of records is.
const COUNT_AT: usize = 57;

/// The records of batches that lie one after the other in `chunks`, which may be cut anywhere. What is not whole at
/// the end is not counted.
pub(crate) fn count(chunks: &[Bytes]) -> u64 {
    let total: usize = chunks.iter().map(Bytes::len).sum();
    let mut walk = Walk { chunks, before: 0 };
    let (mut at, mut records) = (0_usize, 0_u64);
    while let (Some(length), Some(count)) = (walk.number(at + LENGTH_AT), walk.number(at + COUNT_AT)) {
        let end = at.saturating_add(LENGTH_END).saturating_add(length);
        if end > total {
            break;
        }
        records += count as u64;
        at = end;
    }
    records
}

/// A place in the chunks that only moves forward past whole ones.
struct Walk<'a> {
    chunks: &'a [Bytes],
    /// Bytes in the chunks that were passed.
    before: usize,
}

impl Walk<'_> {
    /// The four bytes at `at`, as a number that is not negative.
    fn number(&mut self, at: usize) -> Option<usize> {
        while let Some((first, rest)) = self.chunks.split_first()
            && at >= self.before + first.len()
        {
            self.before += first.len();
            self.chunks = rest;
        }
        let first = self.chunks.first()?;
        let inside = at.checked_sub(self.before)?;
        let bytes: [u8; 4] = match first.get(inside..inside + 4) {
            Some(whole) => whole.try_into().ok()?,
            None => {
                let mut bytes = self.chunks.iter().flatten().skip(inside).copied();
                let mut byte = || bytes.next();
                [byte()?, byte()?, byte()?, byte()?]
            }
        };
        usize::try_from(i32::from_be_bytes(bytes)).ok()
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, Bytes, BytesMut};

    use super::count;

    fn batch(records: i32, payload: usize) -> Vec<u8> {
        let mut batch = BytesMut::new();
        batch.put_i64(7);
        batch.put_i32(i32::try_from(49 + payload).unwrap());
        batch.put_bytes(0xff, 45);
        batch.put_i32(records);
        batch.put_bytes(0xff, payload);
        batch.to_vec()
    }

    #[test]
    fn counts_however_the_chunks_are_cut() {
        let all = [batch(3, 10), batch(1, 0), batch(500, 999)].concat();
        for cut in 0..all.len() {
            let (one, two) = all.split_at(cut);
            let chunks = [Bytes::copy_from_slice(one), Bytes::copy_from_slice(two)];
            assert_eq!(count(&chunks), 504, "cut at {cut}");
        }
        let single: Vec<Bytes> = all.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
        assert_eq!(count(&single), 504);
    }

    #[test]
    fn what_is_cut_off_or_nonsense_ends_the_count() {
        let two = [batch(3, 10), batch(5, 10)].concat();
        assert_eq!(count(&[Bytes::copy_from_slice(&two[..two.len() - 1])]), 3);
        assert_eq!(count(&[Bytes::from(vec![0xff; 200])]), 0);
        assert_eq!(count(&[]), 0);
    }
}
