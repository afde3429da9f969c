//! Changes to a batch's header in place.
//!
//! The checksum does not cover base offset and leader epoch; changing anything else computes it again, which
//! reads the whole batch. A slice shorter than a header is left as it is: callers patch batches they parsed.

use super::{Attributes, CRC_START, HEADER_LEN};

/// Sets the base offset and the leader epoch: what a leader does to a batch that it appends.
#[inline]
pub fn set_base_offset_and_epoch(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    if let Some(header) = batch.first_chunk_mut::<HEADER_LEN>() {
        header[0..8].copy_from_slice(&base_offset.to_be_bytes());
        header[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
    }
}

/// Marks the batch as timestamped by the broker at `timestamp` (milliseconds since 1970), as topics with
/// `message.timestamp.type=LogAppendTime` want. Readers then take the max timestamp for every record.
pub fn set_log_append_time(batch: &mut [u8], timestamp: i64) {
    if let Some(header) = batch.first_chunk_mut::<HEADER_LEN>() {
        let attributes = Attributes(i16::from_be_bytes([header[21], header[22]])).with_log_append_time(true);
        header[21..23].copy_from_slice(&attributes.0.to_be_bytes());
        header[35..43].copy_from_slice(&timestamp.to_be_bytes());
        set_crc(batch);
    }
}

/// Says that the records bear their producer's times, of which `max_timestamp` is the largest.
pub fn set_create_time(batch: &mut [u8], max_timestamp: i64) {
    if let Some(header) = batch.first_chunk_mut::<HEADER_LEN>() {
        let attributes = Attributes(i16::from_be_bytes([header[21], header[22]])).with_log_append_time(false);
        header[21..23].copy_from_slice(&attributes.0.to_be_bytes());
        header[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
        set_crc(batch);
    }
}

/// Sets the producer's id, epoch and first sequence number: what an idempotent producer does when it sends.
pub fn set_producer(batch: &mut [u8], producer_id: i64, producer_epoch: i16, base_sequence: i32) {
    if let Some(header) = batch.first_chunk_mut::<HEADER_LEN>() {
        header[43..51].copy_from_slice(&producer_id.to_be_bytes());
        header[51..53].copy_from_slice(&producer_epoch.to_be_bytes());
        header[53..57].copy_from_slice(&base_sequence.to_be_bytes());
        set_crc(batch);
    }
}

/// Sets the offset at which the batch ends, counted from its base offset.
pub fn set_last_offset_delta(batch: &mut [u8], delta: i32) {
    if let Some(header) = batch.first_chunk_mut::<HEADER_LEN>() {
        header[23..27].copy_from_slice(&delta.to_be_bytes());
        set_crc(batch);
    }
}

/// Computes the checksum again and stores it.
pub fn set_crc(batch: &mut [u8]) {
    if let Some(body) = batch.get(CRC_START..) {
        let crc = crc32c::crc32c(body);
        batch[CRC_START - 4..CRC_START].copy_from_slice(&crc.to_be_bytes());
    }
}
