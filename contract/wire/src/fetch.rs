//! Fetch responses written around record data, which is shared with the log and never copied.
//!
//! The `kafka-protocol` crate takes records as one buffer and copies it; a fetch of many megabytes is
//! mostly records, so this response alone is encoded here. Tests hold it against the crate's encoding.

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

/// First version with compact lengths and tagged fields.
const FLEXIBLE: i16 = 12;
/// First version that names topics by id.
const BY_ID: i16 = 13;

/// What is answered for one partition.
#[derive(Clone, Debug, Default)]
pub struct FetchedPartition {
    /// Which partition.
    pub index: i32,
    /// 0, or a Kafka error code.
    pub error_code: i16,
    /// One past the last committed record; -1 when not known.
    pub high_watermark: i64,
    /// First offset; -1 when not known.
    pub log_start_offset: i64,
    /// Whole batches, in pieces.
    pub records: Vec<Bytes>,
}

/// What is answered for one topic.
#[derive(Clone, Debug, Default)]
pub struct FetchedTopic {
    /// Its name (versions before 13).
    pub name: String,
    /// Its id (from version 13 on).
    pub id: Uuid,
    /// Its partitions.
    pub partitions: Vec<FetchedPartition>,
}

/// A whole response.
#[derive(Clone, Debug, Default)]
pub struct FetchedResponse {
    /// 0, or a Kafka error code for the whole.
    pub error_code: i16,
    /// The fetch session, 0 for none (KIP-227).
    pub session_id: i32,
    /// Topics with data or errors.
    pub topics: Vec<FetchedTopic>,
}

/// Writes the response as a frame, its length first, in pieces. `version` is 4 to 17.
#[must_use]
pub fn encode(version: i16, correlation_id: i32, response: &FetchedResponse) -> Vec<Bytes> {
    let mut writer = Writer {
        version,
        open: BytesMut::with_capacity(256),
        pieces: Vec::new(),
    };
    writer.open.put_i32(0);
    writer.open.put_i32(correlation_id);
    writer.tags();
    writer.response(response);
    writer.finish()
}

struct Writer {
    version: i16,
    open: BytesMut,
    pieces: Vec<Bytes>,
}

impl Writer {
    fn flexible(&self) -> bool {
        self.version >= FLEXIBLE
    }

    fn response(&mut self, response: &FetchedResponse) {
        // No throttling.
        self.open.put_i32(0);
        if self.version >= 7 {
            self.open.put_i16(response.error_code);
            self.open.put_i32(response.session_id);
        }
        self.count(response.topics.len());
        for topic in &response.topics {
            if self.version >= BY_ID {
                self.open.put_slice(topic.id.as_bytes());
            } else {
                self.name(&topic.name);
            }
            self.count(topic.partitions.len());
            topic
                .partitions
                .iter()
                .for_each(|partition| self.partition(partition));
            self.tags();
        }
        self.tags();
    }

    fn partition(&mut self, partition: &FetchedPartition) {
        self.open.put_i32(partition.index);
        self.open.put_i16(partition.error_code);
        self.open.put_i64(partition.high_watermark);
        // Without transactions all that is committed is stable.
        self.open.put_i64(partition.high_watermark);
        if self.version >= 5 {
            self.open.put_i64(partition.log_start_offset);
        }
        self.null_array();
        if self.version >= 11 {
            // No preferred read replica.
            self.open.put_i32(-1);
        }
        let bytes: usize = partition.records.iter().map(Bytes::len).sum();
        if self.flexible() {
            self.unsigned(bytes as u64 + 1);
        } else {
            self.open.put_i32(i32::try_from(bytes).unwrap_or(i32::MAX));
        }
        if bytes > 0 {
            self.pieces.push(self.open.split().freeze());
            self.pieces.extend(
                partition
                    .records
                    .iter()
                    .filter(|piece| !piece.is_empty())
                    .cloned(),
            );
        }
        self.tags();
    }

    fn count(&mut self, count: usize) {
        if self.flexible() {
            self.unsigned(count as u64 + 1);
        } else {
            self.open.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
        }
    }

    fn null_array(&mut self) {
        if self.flexible() {
            self.unsigned(0)
        } else {
            self.open.put_i32(-1)
        }
    }

    fn name(&mut self, name: &str) {
        if self.flexible() {
            self.unsigned(name.len() as u64 + 1);
        } else {
            self.open.put_i16(i16::try_from(name.len()).unwrap_or(i16::MAX));
        }
        self.open.put_slice(name.as_bytes());
    }

    fn tags(&mut self) {
        if self.flexible() {
            self.open.put_u8(0);
        }
    }

    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.open.put_u8((value as u8) | 0x80);
            value >>= 7;
        }
        self.open.put_u8(value as u8);
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.pieces.push(self.open.freeze());
        let length: usize = self.pieces.iter().map(Bytes::len).sum();
        let length = i32::try_from(length.saturating_sub(4)).unwrap_or(i32::MAX);
        if let Some(first) = self.pieces.first_mut() {
            // The first piece is this writer's own and not yet shared.
            let mut head = BytesMut::from(std::mem::take(first));
            if let Some(prefix) = head.first_chunk_mut::<4>() {
                *prefix = length.to_be_bytes();
            }
            *first = head.freeze();
        }
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::messages::{FetchResponse, ResponseHeader, fetch_response};
    use crate::kafka::protocol::{Encodable, StrBytes};

    fn sample() -> FetchedResponse {
        let partition = |index, records: Vec<Bytes>| FetchedPartition {
            index,
            error_code: 0,
            high_watermark: 90,
            log_start_offset: 3,
            records,
        };
        let data = vec![
            Bytes::from_static(b"header"),
            Bytes::new(),
            Bytes::from(vec![7; 300]),
        ];
        let topics = vec![
            FetchedTopic {
                name: "orders".into(),
                id: Uuid::from_u128(5),
                partitions: vec![partition(0, data), partition(1, vec![])],
            },
            FetchedTopic {
                name: "x".into(),
                id: Uuid::from_u128(6),
                partitions: vec![partition(9, vec![])],
            },
        ];
        FetchedResponse {
            error_code: 0,
            session_id: 42,
            topics,
        }
    }

    fn by_the_crate(version: i16, response: &FetchedResponse) -> Vec<u8> {
        let topics = response.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                fetch_response::PartitionData::default()
                    .with_partition_index(partition.index)
                    .with_high_watermark(partition.high_watermark)
                    .with_last_stable_offset(partition.high_watermark)
                    .with_log_start_offset(if version >= 5 {
                        partition.log_start_offset
                    } else {
                        -1
                    })
                    .with_aborted_transactions(None)
                    .with_records(Some(Bytes::from(partition.records.concat())))
            });
            let mut out =
                fetch_response::FetchableTopicResponse::default().with_partitions(partitions.collect());
            if version >= BY_ID {
                out.topic_id = topic.id;
            } else {
                out.topic = StrBytes::from_string(topic.name.clone()).into();
            }
            out
        });
        let body = FetchResponse::default()
            .with_session_id(if version >= 7 { response.session_id } else { 0 })
            .with_responses(topics.collect());
        let mut out = BytesMut::new();
        out.put_i32(0);
        let header = ResponseHeader::default().with_correlation_id(77);
        header.encode(&mut out, i16::from(version >= FLEXIBLE)).unwrap();
        body.encode(&mut out, version).unwrap();
        let length = (out.len() - 4) as i32;
        out[..4].copy_from_slice(&length.to_be_bytes());
        out.to_vec()
    }

    #[test]
    fn every_version_is_as_the_crate_writes_it() {
        for version in 4..=17 {
            for response in [sample(), FetchedResponse::default()] {
                let ours = encode(version, 77, &response).concat();
                assert_eq!(ours, by_the_crate(version, &response), "version {version}");
            }
        }
    }

    #[test]
    fn record_data_is_shared_not_copied() {
        let data = Bytes::from(vec![1; 10_000]);
        let partition = FetchedPartition {
            records: vec![data.clone()],
            ..FetchedPartition::default()
        };
        let topics = vec![FetchedTopic {
            partitions: vec![partition],
            ..FetchedTopic::default()
        }];
        let pieces = encode(
            13,
            1,
            &FetchedResponse {
                topics,
                ..FetchedResponse::default()
            },
        );
        assert!(pieces.iter().any(|piece| piece.as_ptr() == data.as_ptr()));
    }
}
