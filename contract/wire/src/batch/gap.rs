//! A batch that says that there is nothing: offsets that no record has any more.
//!
//! A batch without records would say so, too, and compaction leaves such batches behind. Yet clients meet those
//! seldom, and two of them do not bear many: librdkafka takes one for a sign that it asks for too few bytes, doubles
//! what it asks for and in the end reports an error; kafkajs asks for the same offset for ever. All clients go past
//! the marker that ends a transaction, and move on to the offset after it. So a gap is written as one: one control
//! record, at the last offset of the gap. It names no producer, or has a sequence, which tells it from the markers of
//! transactions.

use bytes::Bytes;

use super::{Attributes, Batch, BatchBuilder, BatchHeader, RecordData};
use crate::codec::Compression;

/// Key of a commit marker: version 0, type 1.
const KEY: [u8; 4] = [0, 0, 0, 1];
/// Its value: version 0, coordinator epoch 0.
const VALUE: [u8; 6] = [0; 6];

impl BatchHeader {
    /// Whether the batch only stands for offsets that hold nothing.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.attributes.control() && (self.producer_id < 0 || self.base_sequence >= 0)
    }
}

impl Batch {
    /// A gap in the stead of the batch: its place in the log and in its producer's sequence stays, none of its records
    /// does.
    #[must_use]
    pub fn gap(&self) -> Bytes {
        let header = &self.header;
        let stamped = header.attributes.log_append_time();
        builder(header.last_offset_delta, header.max_timestamp)
            .with_attributes(control().with_log_append_time(stamped))
            .with_producer(header.producer_id, header.producer_epoch, header.base_sequence)
            .with_place(header.base_offset, header.partition_leader_epoch)
            .build()
    }
}

/// A gap that ends at `offset`: a reader goes on after it. `timestamp`, in milliseconds since 1970, is that of what was
/// there.
#[must_use]
pub fn gap_at(offset: i64, leader_epoch: i32, timestamp: i64) -> Bytes {
    builder(0, timestamp)
        .with_attributes(control())
        .with_place(offset, leader_epoch)
        .build()
}

fn control() -> Attributes {
    Attributes(0).with_control(true)
}

fn builder(last_offset_delta: i32, timestamp: i64) -> BatchBuilder {
    let mut builder = BatchBuilder::new(Compression::None);
    let record = RecordData {
        timestamp,
        key: Some(&KEY),
        value: Some(&VALUE),
        headers: &[],
    };
    builder.append_at(last_offset_delta, &record);
    builder.with_last_offset_delta(last_offset_delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_keeps_the_place_of_a_batch_and_nothing_else() {
        let mut builder = BatchBuilder::new(Compression::None);
        for timestamp in [5, 9, 7] {
            builder.append(&RecordData {
                timestamp,
                value: Some(b"x"),
                ..RecordData::default()
            });
        }
        let bytes = builder.with_producer(7, 1, 40).with_place(100, 3).build();
        let batch = Batch::parse(&mut bytes.clone()).unwrap();
        assert!(!batch.header.is_gap());

        let gap = Batch::parse(&mut batch.gap()).unwrap();
        gap.verify_crc().unwrap();
        let header = gap.header;
        assert!(header.is_gap());
        assert_eq!(
            (header.base_offset, header.next_offset(), header.record_count),
            (100, 103, 1)
        );
        assert_eq!((header.producer_id, header.producer_epoch), (7, 1));
        assert_eq!((header.base_sequence, header.last_sequence()), (40, 42));
        assert_eq!((header.max_timestamp, header.partition_leader_epoch), (9, 3));
        let records = gap.records(1 << 10).unwrap();
        let [record] = records.iter().collect::<Result<Vec<_>, _>>().unwrap()[..] else {
            panic!("one record")
        };
        assert_eq!((record.offset, record.key), (102, Some(&KEY[..])));
    }

    #[test]
    fn the_marker_of_a_transaction_is_no_gap() {
        let marker = builder(0, 1)
            .with_attributes(control().with_transactional(true))
            .with_producer(7, 1, -1)
            .build();
        assert!(!Batch::parse(&mut marker.clone()).unwrap().header.is_gap());
        let gap = Batch::parse(&mut gap_at(41, 2, 12)).unwrap().header;
        assert!(gap.is_gap());
        assert_eq!(
            (gap.base_offset, gap.next_offset(), gap.max_timestamp),
            (41, 42, 12)
        );
    }
}
