//! Building a batch, record by record, in one buffer.

use bytes::Bytes;

use super::{Attributes, BatchHeader, HEADER_LEN, LENGTH_END, MAGIC, patch, varint};
use crate::codec::{self, Compression};

/// A record to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordData<'a> {
    /// Milliseconds since 1970, -1 for none.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values.
    pub headers: &'a [(&'a [u8], Option<&'a [u8]>)],
}

/// Encodes records as they come. No allocation a record.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    /// Header (filled in at the end), then records.
    buffer: Vec<u8>,
    compression: Compression,
    level: Option<i32>,
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
    last_offset_delta: i32,
    producer: (i64, i16, i32),
    attributes: Attributes,
    base_offset: i64,
    leader_epoch: i32,
}

impl BatchBuilder {
    /// An empty batch.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self::with_buffer(compression, Vec::new())
    }

    /// An empty batch that reuses a buffer's memory.
    #[must_use]
    pub fn with_buffer(compression: Compression, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(HEADER_LEN, 0);
        Self {
            buffer,
            compression,
            level: None,
            base_timestamp: -1,
            max_timestamp: -1,
            count: 0,
            last_offset_delta: -1,
            producer: (-1, -1, -1),
            attributes: Attributes(0),
            base_offset: 0,
            leader_epoch: -1,
        }
    }

    /// Sets the codec's level; `None` is the codec's default.
    #[must_use]
    pub fn with_level(mut self, level: Option<i32>) -> Self {
        self.level = level;
        self
    }

    /// Sets an idempotent producer's id, epoch and first sequence.
    #[must_use]
    pub fn with_producer(mut self, producer_id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.producer = (producer_id, epoch, base_sequence);
        self
    }

    /// Sets the offset of the first record and the leader epoch: for a log that rewrites batches.
    #[must_use]
    pub fn with_place(mut self, base_offset: i64, leader_epoch: i32) -> Self {
        self.base_offset = base_offset;
        self.leader_epoch = leader_epoch;
        self
    }

    /// Sets attribute bits other than the codec's.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Adds a record at the next offset.
    #[inline]
    pub fn append(&mut self, record: &RecordData<'_>) {
        self.append_at(self.last_offset_delta.wrapping_add(1), record);
    }

    /// Adds a record at `offset_delta` from the base; deltas must rise.
    #[inline]
    pub fn append_at(&mut self, offset_delta: i32, record: &RecordData<'_>) {
        if self.count == 0 {
            self.base_timestamp = record.timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        let delta = record.timestamp.wrapping_sub(self.base_timestamp);
        let length = body_len(delta, i64::from(offset_delta), record);
        let out = &mut self.buffer;
        out.reserve(length + varint::MAX_LEN);
        varint::write(out, length as i64);
        out.push(0);
        varint::write(out, delta);
        varint::write(out, i64::from(offset_delta));
        write_field(out, record.key);
        write_field(out, record.value);
        varint::write(out, record.headers.len() as i64);
        for (name, value) in record.headers {
            write_field(out, Some(name));
            write_field(out, *value);
        }
        self.count += 1;
        self.last_offset_delta = offset_delta;
    }

    /// Bytes that the batch takes now, before compression.
    #[inline]
    #[must_use]
    pub fn estimated_size(&self) -> usize {
        self.buffer.len()
    }

    /// Records so far.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are no records.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keeps the last offset delta of a batch whose last records were dropped.
    #[must_use]
    pub fn with_last_offset_delta(mut self, delta: i32) -> Self {
        self.last_offset_delta = delta;
        self
    }

    /// The finished batch, checksum and all.
    ///
    /// Compression into memory cannot fail for the codecs in use; were it to, the records go uncompressed.
    #[must_use]
    pub fn build(self) -> Bytes {
        let level = self.level;
        match self.compression {
            Compression::None => self.seal(Compression::None, None),
            codec => {
                let mut out = Vec::with_capacity(self.buffer.len() / 2 + HEADER_LEN);
                out.resize(HEADER_LEN, 0);
                match codec::compress(codec, level, &self.buffer[HEADER_LEN..], &mut out) {
                    Ok(()) => self.seal(codec, Some(out)),
                    Err(_) => self.seal(Compression::None, None),
                }
            }
        }
    }

    fn seal(self, codec: Compression, compressed: Option<Vec<u8>>) -> Bytes {
        let mut bytes = compressed.unwrap_or(self.buffer);
        let (producer_id, producer_epoch, base_sequence) = self.producer;
        let header = BatchHeader {
            base_offset: self.base_offset,
            batch_length: i32::try_from(bytes.len() - LENGTH_END).unwrap_or(i32::MAX),
            partition_leader_epoch: self.leader_epoch,
            magic: MAGIC,
            crc: 0,
            attributes: self.attributes.with_compression(codec),
            last_offset_delta: self.last_offset_delta.max(0),
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id,
            producer_epoch,
            base_sequence,
            record_count: self.count,
        };
        bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        patch::set_crc(&mut bytes);
        Bytes::from(bytes)
    }
}

#[inline]
fn body_len(timestamp_delta: i64, offset_delta: i64, record: &RecordData<'_>) -> usize {
    let mut length = 1 + varint::len(timestamp_delta) + varint::len(offset_delta);
    length += field_len(record.key) + field_len(record.value);
    length += varint::len(record.headers.len() as i64);
    for (name, value) in record.headers {
        length += field_len(Some(name)) + field_len(*value);
    }
    length
}

#[inline]
fn field_len(field: Option<&[u8]>) -> usize {
    field.map_or(1, |field| varint::len(field.len() as i64) + field.len())
}

#[inline]
fn write_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => varint::write(out, -1),
        Some(field) => {
            varint::write(out, field.len() as i64);
            out.extend_from_slice(field);
        }
    }
}
