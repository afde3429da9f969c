//! The 61-byte header of a batch.

use super::{Attributes, BatchError, HEADER_LEN, LENGTH_END, MAGIC};

/// The header of a record batch, read out of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; set by the leader.
    pub base_offset: i64,
    /// Bytes after this field: at least 49.
    pub batch_length: i32,
    /// Leader epoch under which the batch was appended; set by the leader, -1 from producers.
    pub partition_leader_epoch: i32,
    /// Record format: 2.
    pub magic: i8,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Codec and marks.
    pub attributes: Attributes,
    /// Offset of the last record less the base offset. Compaction may have removed that record.
    pub last_offset_delta: i32,
    /// Timestamp of the first record, or the delete horizon; milliseconds since 1970.
    pub base_timestamp: i64,
    /// Highest timestamp in the batch; milliseconds since 1970, -1 if there is none.
    pub max_timestamp: i64,
    /// Id of an idempotent producer, else -1.
    pub producer_id: i64,
    /// Epoch of that producer, else -1.
    pub producer_epoch: i16,
    /// Sequence number of the first record, else -1.
    pub base_sequence: i32,
    /// Number of records in the batch.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front of `bytes`. Only the header need be there.
    ///
    /// # Errors
    ///
    /// [`BatchError::Incomplete`] with fewer than 61 bytes, [`BatchError::UnsupportedMagic`], and
    /// [`BatchError::Corrupt`] for a length too small to hold a header or a negative count or offset delta.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let Some(h) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(incomplete_header(bytes));
        };
        let header = BatchHeader {
            base_offset: i64::from_be_bytes(field(h, 0)),
            batch_length: i32::from_be_bytes(field(h, 8)),
            partition_leader_epoch: i32::from_be_bytes(field(h, 12)),
            magic: i8::from_be_bytes(field(h, 16)),
            crc: u32::from_be_bytes(field(h, 17)),
            attributes: Attributes(i16::from_be_bytes(field(h, 21))),
            last_offset_delta: i32::from_be_bytes(field(h, 23)),
            base_timestamp: i64::from_be_bytes(field(h, 27)),
            max_timestamp: i64::from_be_bytes(field(h, 35)),
            producer_id: i64::from_be_bytes(field(h, 43)),
            producer_epoch: i16::from_be_bytes(field(h, 51)),
            base_sequence: i32::from_be_bytes(field(h, 53)),
            record_count: i32::from_be_bytes(field(h, 57)),
        };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), BatchError> {
        if self.magic != MAGIC {
            return Err(BatchError::UnsupportedMagic(self.magic));
        }
        if self.batch_length < (HEADER_LEN - LENGTH_END) as i32 {
            return Err(BatchError::Corrupt(
                "its length is too small to hold a batch header",
            ));
        }
        if self.record_count < 0 {
            return Err(BatchError::Corrupt("its record count is negative"));
        }
        if self.last_offset_delta < 0 {
            return Err(BatchError::Corrupt("its last offset delta is negative"));
        }
        Ok(())
    }

    /// The header as the 61 bytes that stand at the front of a batch.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut h = [0; HEADER_LEN];
        h[0..8].copy_from_slice(&self.base_offset.to_be_bytes());
        h[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        h[12..16].copy_from_slice(&self.partition_leader_epoch.to_be_bytes());
        h[16..17].copy_from_slice(&self.magic.to_be_bytes());
        h[17..21].copy_from_slice(&self.crc.to_be_bytes());
        h[21..23].copy_from_slice(&self.attributes.0.to_be_bytes());
        h[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        h[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        h[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        h[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        h[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        h[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        h[57..61].copy_from_slice(&self.record_count.to_be_bytes());
        h
    }

    /// Bytes of the whole batch, header included.
    #[inline]
    pub fn size(&self) -> usize {
        // A parsed header's length is at least 49.
        LENGTH_END + self.batch_length.max(0) as usize
    }

    /// Offset of the last record.
    #[inline]
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset that the next batch begins at.
    #[inline]
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// True if an idempotent producer wrote the batch.
    #[inline]
    pub fn has_producer(&self) -> bool {
        self.producer_id >= 0
    }

    /// Sequence number of the last record; sequences wrap from `i32::MAX` to 0 as Kafka's do. -1 if the batch
    /// has no sequence.
    #[inline]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        (self.base_sequence.wrapping_add(self.last_offset_delta)) & i32::MAX
    }
}

/// `N` bytes at a fixed place of the header; every caller's place lies inside it.
#[inline]
fn field<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[at..at + N]);
    bytes
}

/// Too few bytes for a header: an old format is still named as such, because its batches can be that short.
#[cold]
fn incomplete_header(bytes: &[u8]) -> BatchError {
    match bytes.get(16) {
        Some(&magic) if magic as i8 != MAGIC => BatchError::UnsupportedMagic(magic as i8),
        _ => BatchError::Incomplete {
            needed: HEADER_LEN,
            have: bytes.len(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_wrap_to_zero_after_the_largest() {
        let mut bytes = [0; HEADER_LEN];
        bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
        bytes[16] = 2;
        let mut header = BatchHeader::parse(&bytes).unwrap();
        header.base_sequence = i32::MAX - 1;
        header.last_offset_delta = 3;
        assert_eq!(header.last_sequence(), 1);
        header.base_sequence = -1;
        assert_eq!(header.last_sequence(), -1);
    }
}
