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

/// A piece of a response: bytes in memory, or whatever else can be sent in the place of as many.
pub trait Piece: From<Bytes> + Clone {
    /// Bytes that it sends.
    fn size(&self) -> usize;
}

impl Piece for Bytes {
    fn size(&self) -> usize {
        self.len()
    }
}

/// What is answered for one partition.
#[derive(Clone, Debug, Default)]
pub struct FetchedPartition<P = Bytes> {
    /// Which partition.
    pub index: i32,
    /// 0, or a Kafka error code.
    pub error_code: i16,
    /// One past the last committed record; -1 when not known.
    pub high_watermark: i64,
    /// First offset; -1 when not known.
    pub log_start_offset: i64,
    /// Whole batches, in pieces.
    pub records: Vec<P>,
}

/// What is answered for one topic.
#[derive(Clone, Debug, Default)]
pub struct FetchedTopic<P = Bytes> {
    /// Its name (versions before 13).
    pub name: String,
    /// Its id (from version 13 on).
    pub id: Uuid,
    /// Its partitions.
    pub partitions: Vec<FetchedPartition<P>>,
}

impl<P: Piece> FetchedPartition<P> {
    /// Bytes of its records.
    #[must_use]
    pub fn size(&self) -> usize {
        self.records.iter().map(P::size).sum()
    }
}

/// A whole response.
#[derive(Clone, Debug, Default)]
pub struct FetchedResponse<P = Bytes> {
    /// 0, or a Kafka error code for the whole.
    pub error_code: i16,
    /// The fetch session, 0 for none (KIP-227).
    pub session_id: i32,
    /// Topics with data or errors.
    pub topics: Vec<FetchedTopic<P>>,
}

/// Writes the response as a frame, its length first, in pieces. `version` is 4 to 17.
#[must_use]
pub fn encode<P: Piece>(version: i16, correlation_id: i32, response: &FetchedResponse<P>) -> Vec<P> {
    let mut writer = Writer {
        version,
        open: BytesMut::with_capacity(256),
        head: None,
        pieces: Vec::new(),
    };
    writer.open.put_i32(0);
    writer.open.put_i32(correlation_id);
    writer.tags();
    writer.response(response);
    writer.finish()
}

struct Writer<P> {
    version: i16,
    /// What is being written.
    open: BytesMut,
    /// The first piece, once another follows it. It begins with the length of the whole.
    head: Option<BytesMut>,
    pieces: Vec<P>,
}

impl<P: Piece> Writer<P> {
    fn flexible(&self) -> bool {
        self.version >= FLEXIBLE
    }

    fn response(&mut self, response: &FetchedResponse<P>) {
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

    fn partition(&mut self, partition: &FetchedPartition<P>) {
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
        let bytes = partition.size();
        if self.flexible() {
            self.unsigned(bytes as u64 + 1);
        } else {
            self.open.put_i32(i32::try_from(bytes).unwrap_or(i32::MAX));
        }
        if bytes > 0 {
            self.close();
            let records = partition.records.iter().filter(|piece| piece.size() > 0);
            self.pieces.extend(records.cloned());
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

    /// Ends the piece that is being written.
    fn close(&mut self) {
        let closed = self.open.split();
        if self.head.is_none() {
            self.head = Some(closed);
        } else {
            self.pieces.push(closed.freeze().into());
        }
    }

    fn finish(mut self) -> Vec<P> {
        self.close();
        let mut head = self.head.unwrap_or_default();
        let length = head.len() + self.pieces.iter().map(P::size).sum::<usize>();
        let length = i32::try_from(length.saturating_sub(4)).unwrap_or(i32::MAX);
        if let Some(prefix) = head.first_chunk_mut::<4>() {
            *prefix = length.to_be_bytes();
        }
        let mut pieces = Vec::with_capacity(self.pieces.len() + 1);
        pieces.push(head.freeze().into());
        pieces.extend(self.pieces);
        pieces
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
