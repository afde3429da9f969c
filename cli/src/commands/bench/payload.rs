//! What a record of a benchmark carries: a stamp of 48 bytes, then letters.

/// Bytes of a stamp, and so of the smallest record.
pub(super) const STAMP_BYTES: usize = 48;
/// Tells our records from others'; its last byte is the version of the layout.
const MAGIC: [u8; 8] = *b"tmbench\x01";

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of those that are counted.
    Data,
    /// The last word of a producer in a partition: its sequence is the number of records before it.
    End,
}

/// Where a record comes from, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) run: u64,
    /// From 0.
    pub(super) producer: u32,
    /// How many the run has.
    pub(super) producers: u32,
    /// From 0, one more with each record of this producer in this partition.
    pub(super) sequence: u64,
    /// When it was to be sent, in nanoseconds since the epoch.
    pub(super) at_ns: u64,
    pub(super) kind: Kind,
}

impl Stamp {
    /// Writes the stamp to the front of a record. Anything shorter than a stamp is left alone.
    fn write(&self, record: &mut [u8]) {
        let size = u32::try_from(record.len()).unwrap_or(u32::MAX);
        let Some(stamp) = record.first_chunk_mut::<STAMP_BYTES>() else {
            return;
        };
        stamp[0..8].copy_from_slice(&MAGIC);
        stamp[8..16].copy_from_slice(&self.run.to_le_bytes());
        stamp[16..20].copy_from_slice(&self.producer.to_le_bytes());
        stamp[20..24].copy_from_slice(&self.producers.to_le_bytes());
        stamp[24..32].copy_from_slice(&self.sequence.to_le_bytes());
        stamp[32..40].copy_from_slice(&self.at_ns.to_le_bytes());
        stamp[40..44].copy_from_slice(&u32::from(self.kind == Kind::End).to_le_bytes());
        stamp[44..48].copy_from_slice(&size.to_le_bytes());
    }

    /// Reads the stamp of a record; `None` if it is not one of ours, or not all of it is there.
    #[inline]
    pub(super) fn read(record: &[u8]) -> Option<Self> {
        let stamp = record.first_chunk::<STAMP_BYTES>()?;
        if stamp[0..8] != MAGIC || four(stamp, 44) as usize != record.len() {
            return None;
        }
        let kind = match four(stamp, 40) {
            0 => Kind::Data,
            1 => Kind::End,
            _ => return None,
        };
        Some(Self {
            run: eight(stamp, 8),
            producer: four(stamp, 16),
            producers: four(stamp, 20),
            sequence: eight(stamp, 24),
            at_ns: eight(stamp, 32),
            kind,
        })
    }
}

#[inline]
fn four(stamp: &[u8; STAMP_BYTES], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&stamp[at..at + 4]);
    u32::from_le_bytes(bytes)
}

#[inline]
fn eight(stamp: &[u8; STAMP_BYTES], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&stamp[at..at + 8]);
    u64::from_le_bytes(bytes)
}

/// Records made beforehand and used in turn: sending one costs the writing of its stamp.
///
/// The letters are random capitals, as in Kafka's own load generator, so that compression has the same to do.
pub(super) struct Payloads {
    bytes: Vec<u8>,
    size: usize,
    at: usize,
}

impl Payloads {
    /// Records of `size` bytes, about `variety` bytes of them before they repeat.
    pub(super) fn new(size: usize, variety: usize, seed: u64) -> Self {
        let size = size.max(STAMP_BYTES);
        let mut state = seed | 1;
        let mut letter = || {
            // xorshift64: Marsaglia, "Xorshift RNGs", 2003.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            b'A' + u8::try_from((state >> 33) % 26).unwrap_or(0)
        };
        let count = variety.div_ceil(size).max(1);
        Self {
            bytes: (0..count * size).map(|_| letter()).collect(),
            size,
            at: 0,
        }
    }

    /// Bytes of each record.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The next record, stamped.
    #[inline]
    pub(super) fn stamped(&mut self, stamp: &Stamp) -> &[u8] {
        let from = self.at;
        let after = from + self.size;
        self.at = if after == self.bytes.len() { 0 } else { after };
        let record = self.bytes.get_mut(from..after).unwrap_or_default();
        stamp.write(record);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            run: u64::MAX - 1,
            producer: 3,
            producers: 4,
            sequence: 5,
            at_ns: 6,
            kind: Kind::End,
        }
    }

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let mut payloads = Payloads::new(100, 1_000, 7);
        for _ in 0..25 {
            let record = payloads.stamped(&stamp());
            assert_eq!((record.len(), Stamp::read(record)), (100, Some(stamp())));
        }
    }

    #[test]
    fn what_is_cut_short_or_not_ours_has_no_stamp() {
        let mut payloads = Payloads::new(60, 60, 7);
        let record = payloads.stamped(&stamp()).to_vec();
        assert_eq!(Stamp::read(&record[..59]), None);
        assert_eq!(Stamp::read(b"hello"), None);
        assert_eq!(Stamp::read(&[b'A'; 60]), None);
    }

    #[test]
    fn the_letters_differ_from_record_to_record() {
        let mut payloads = Payloads::new(200, 1_000, 7);
        let one = payloads.stamped(&stamp()).to_vec();
        assert_ne!(one, payloads.stamped(&stamp()));
        assert!(one[STAMP_BYTES..].iter().all(u8::is_ascii_uppercase));
    }
}
