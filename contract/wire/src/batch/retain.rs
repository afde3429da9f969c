//! A batch without some of its records, as compaction leaves it.
//!
//! What places the batch in its log and in its producer's sequence stays: base offset, last offset delta,
//! leader epoch, producer id, epoch and sequence. Records keep their bytes, so that nothing a newer writer
//! put into them is lost; only a delete horizon (KIP-534), which takes the place of the base timestamp,
//! makes their timestamps be written anew.

use bytes::Bytes;

use super::{Batch, BatchError, BatchHeader, HEADER_LEN, LENGTH_END, Records, patch, varint};
use crate::codec::{self, Compression};

impl Batch {
    /// The batch with those of `records` (its own) that `kept` marks, compressed by the same codec.
    ///
    /// `delete_horizon` is the time in milliseconds from which compaction may drop the batch's tombstones;
    /// `None` leaves the horizon that it has, or none.
    ///
    /// # Errors
    ///
    /// [`BatchError`]: a record cannot be read, or the codec fails.
    pub fn retain(
        &self,
        records: &Records,
        kept: &[bool],
        delete_horizon: Option<i64>,
    ) -> Result<Bytes, BatchError> {
        let old = &self.header;
        let body = records.body();
        let mut plain = Vec::with_capacity(body.len());
        let (mut at, mut count, mut max_timestamp) = (0, 0i32, -1);
        for keep in kept.iter().take(records.len()) {
            let start = at;
            let record = records.record_at(&mut at)?;
            if !keep {
                continue;
            }
            count += 1;
            max_timestamp = max_timestamp.max(record.timestamp);
            match delete_horizon {
                None => plain.extend_from_slice(body.get(start..at).unwrap_or_default()),
                Some(horizon) => {
                    let delta = record.timestamp.wrapping_sub(horizon);
                    put_with_delta(&mut plain, body.get(start..at).unwrap_or_default(), delta)?;
                }
            }
        }
        let codec = old.attributes.compression()?;
        let mut bytes = Vec::with_capacity(HEADER_LEN + plain.len());
        bytes.resize(HEADER_LEN, 0);
        match codec {
            Compression::None => bytes.extend_from_slice(&plain),
            codec => codec::compress(codec, None, &plain, &mut bytes)?,
        }
        let stamped = old.attributes.log_append_time();
        let header = BatchHeader {
            attributes: match delete_horizon {
                Some(_) => old.attributes.with_delete_horizon(true),
                None => old.attributes,
            },
            base_timestamp: delete_horizon.unwrap_or(old.base_timestamp),
            max_timestamp: if stamped { old.max_timestamp } else { max_timestamp },
            record_count: count,
            ..*old
        };
        Ok(seal(header, bytes))
    }

    /// The batch with other records in the stead of its own, at the same place: `body` holds `count` of them,
    /// uncompressed, whose deltas count from this batch's base offset and base timestamp. `max_timestamp` is that of
    /// the new records, and is not looked at where the server stamped the batch. They are compressed by the same codec.
    ///
    /// # Errors
    ///
    /// [`BatchError`]: the codec is not known, or fails.
    pub fn with_body(&self, body: &[u8], count: i32, max_timestamp: i64) -> Result<Bytes, BatchError> {
        let old = &self.header;
        let mut bytes = Vec::with_capacity(HEADER_LEN + body.len());
        bytes.resize(HEADER_LEN, 0);
        match old.attributes.compression()? {
            Compression::None => bytes.extend_from_slice(body),
            codec => codec::compress(codec, None, body, &mut bytes)?,
        }
        let header = BatchHeader {
            max_timestamp: if old.attributes.log_append_time() {
                old.max_timestamp
            } else {
                max_timestamp
            },
            record_count: count,
            ..*old
        };
        Ok(seal(header, bytes))
    }

    /// The batch without any record: a header that keeps its place in the log and in its producer's sequence.
    #[must_use]
    pub fn emptied(&self) -> Bytes {
        let attributes = self.header.attributes.with_compression(Compression::None);
        let header = BatchHeader {
            attributes: attributes.with_delete_horizon(false),
            base_timestamp: -1,
            record_count: 0,
            ..self.header
        };
        seal(header, vec![0; HEADER_LEN])
    }
}

/// Puts the header in front of `bytes`, with length and checksum.
fn seal(header: BatchHeader, mut bytes: Vec<u8>) -> Bytes {
    let header = BatchHeader {
        batch_length: i32::try_from(bytes.len() - LENGTH_END).unwrap_or(i32::MAX),
        ..header
    };
    bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
    patch::set_crc(&mut bytes);
    Bytes::from(bytes)
}

/// Copies a record (length and all) with another timestamp delta.
fn put_with_delta(out: &mut Vec<u8>, record: &[u8], delta: i64) -> Result<(), BatchError> {
    let mut at = 0;
    varint::read(record, &mut at)?;
    let attributes = record.get(at).copied().unwrap_or_default();
    at += 1;
    varint::read(record, &mut at)?;
    let rest = record.get(at..).unwrap_or_default();
    varint::write(out, (1 + varint::len(delta) + rest.len()) as i64);
    out.push(attributes);
    varint::write(out, delta);
    out.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Attributes, BatchBuilder, RecordData};

    type Plain = (i64, i64, Vec<u8>, Option<Vec<u8>>, usize);

    fn batch(codec: Compression, attributes: Attributes) -> Batch {
        let mut builder = BatchBuilder::new(codec).with_attributes(attributes);
        for at in 0..6u8 {
            let value = [at; 40];
            builder.append(&RecordData {
                timestamp: 1_000 + i64::from(at % 4) * 100_000,
                key: Some(&[at]),
                value: (at != 2).then_some(&value[..]),
                headers: &[(b"h", Some(b"v")), (b"n", None)],
            });
        }
        let built = builder.with_producer(7, 3, 11).with_place(500, 9).build();
        Batch::parse(&mut built.clone()).unwrap()
    }

    fn read(batch: &Batch) -> Vec<Plain> {
        let records = batch.records(1 << 20).unwrap();
        let plain = |record: Result<crate::batch::RecordRef<'_>, BatchError>| {
            let record = record.unwrap();
            (
                record.offset,
                record.timestamp,
                record.key.unwrap().to_vec(),
                record.value.map(<[u8]>::to_vec),
                record.headers.iter().count(),
            )
        };
        records.iter().map(plain).collect()
    }

    #[test]
    fn kept_records_and_the_batch_s_place_stay_as_they_were_in_every_codec() {
        let kept = [true, false, true, false, false, true];
        for codec in Compression::ALL {
            for stamped in [false, true] {
                for horizon in [None, Some(5_000_000)] {
                    let before = batch(codec, Attributes(0).with_log_append_time(stamped));
                    let records = before.records(1 << 20).unwrap();
                    let mut bytes = before.retain(&records, &kept, horizon).unwrap();
                    let after = Batch::parse(&mut bytes).unwrap();
                    assert!(bytes.is_empty());
                    after.verify_crc().unwrap();
                    let mut expected = read(&before);
                    expected.retain(|record| kept[usize::try_from(record.0 - 500).unwrap()]);
                    assert_eq!(read(&after), expected, "{codec:?}");
                    let header = BatchHeader {
                        batch_length: after.header.batch_length,
                        crc: after.header.crc,
                        record_count: 3,
                        attributes: before.header.attributes.with_delete_horizon(horizon.is_some()),
                        base_timestamp: horizon.unwrap_or(before.header.base_timestamp),
                        max_timestamp: if stamped { 301_000 } else { 201_000 },
                        ..before.header
                    };
                    assert_eq!(after.header, header);
                }
            }
        }
    }

    #[test]
    fn an_emptied_batch_is_a_header_that_continues_the_sequence() {
        let before = batch(Compression::Zstd, Attributes(0).with_delete_horizon(true));
        let mut bytes = before.emptied();
        assert_eq!(bytes.len(), HEADER_LEN);
        let after = Batch::parse(&mut bytes).unwrap();
        after.verify_crc().unwrap();
        assert!(read(&after).is_empty());
        assert_eq!(after.header.next_offset(), 506);
        assert_eq!(after.header.last_sequence(), before.header.last_sequence());
        assert_eq!((after.header.producer_id, after.header.producer_epoch), (7, 3));
    }
}
