//! Produce requests written around batches, which are sent from where they were built and never copied.
//!
//! As with [`crate::fetch`], the `kafka-protocol` crate would copy every batch into the request. Tests hold this
//! encoding against the crate's.

use bytes::{BufMut, Bytes, BytesMut};

use crate::kafka::messages::ApiKey;

/// First version with compact lengths and tagged fields.
const FLEXIBLE: i16 = 9;
/// Batches up to this size are copied: a piece of their own would cost more.
const COPY_UP_TO: usize = 1 << 10;

/// All of a request but its batches.
#[derive(Clone, Copy, Debug)]
pub struct ProduceHead<'a> {
    /// 3 to 12: topics go by name.
    pub version: i16,
    /// How the client names itself.
    pub client_id: &'a str,
    /// -1 for all, 0 or 1.
    pub acks: i16,
    /// How long the server may wait for what `acks` asks, in ms.
    pub timeout_ms: i32,
}

/// The batches for one topic.
#[derive(Clone, Debug)]
pub struct ProducedTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// Partitions, and the batches for each.
    pub partitions: Vec<(i32, Bytes)>,
}

/// Writes the request as a frame, its length first, in pieces. The correlation id, bytes 8 to 12, is 0.
#[must_use]
pub fn encode(head: &ProduceHead<'_>, topics: &[ProducedTopic<'_>]) -> Vec<Bytes> {
    let mut writer = Writer {
        flexible: head.version >= FLEXIBLE,
        open: BytesMut::with_capacity(256),
        pieces: Vec::new(),
    };
    writer.head(head);
    writer.count(topics.len());
    for topic in topics {
        writer.name(topic.name);
        writer.count(topic.partitions.len());
        for (index, records) in &topic.partitions {
            writer.open.put_i32(*index);
            writer.records(records);
            writer.tags();
        }
        writer.tags();
    }
    writer.tags();
    writer.finish()
}

struct Writer {
    flexible: bool,
    open: BytesMut,
    pieces: Vec<Bytes>,
}

impl Writer {
    fn head(&mut self, head: &ProduceHead<'_>) {
        // The length, known at the end.
        self.open.put_i32(0);
        self.open.put_i16(ApiKey::Produce as i16);
        self.open.put_i16(head.version);
        self.open.put_i32(0);
        // In the header this is never compact.
        self.open.put_i16(length16(head.client_id));
        self.open.put_slice(head.client_id.as_bytes());
        self.tags();
        // No transaction.
        if self.flexible {
            self.unsigned(0);
        } else {
            self.open.put_i16(-1);
        }
        self.open.put_i16(head.acks);
        self.open.put_i32(head.timeout_ms);
    }

    fn records(&mut self, records: &Bytes) {
        self.count(records.len());
        if records.len() <= COPY_UP_TO {
            self.open.put_slice(records);
        } else {
            self.pieces.push(self.open.split().freeze());
            self.pieces.push(records.clone());
        }
    }

    /// The length of an array or of bytes.
    fn count(&mut self, count: usize) {
        if self.flexible {
            self.unsigned(count as u64 + 1);
        } else {
            self.open.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
        }
    }

    fn name(&mut self, name: &str) {
        if self.flexible {
            self.unsigned(name.len() as u64 + 1);
        } else {
            self.open.put_i16(length16(name));
        }
        self.open.put_slice(name.as_bytes());
    }

    fn tags(&mut self) {
        if self.flexible {
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
        if !self.open.is_empty() {
            self.pieces.push(self.open.freeze());
        }
        let length: usize = self.pieces.iter().map(Bytes::len).sum();
        let length = i32::try_from(length.saturating_sub(4)).unwrap_or(i32::MAX);
        if let Some(first) = self.pieces.first_mut() {
            let mut head = BytesMut::from(std::mem::take(first));
            if let Some(prefix) = head.first_chunk_mut::<4>() {
                *prefix = length.to_be_bytes();
            }
            *first = head.freeze();
        }
        self.pieces
    }
}

/// Names longer than the protocol can say are refused before they come here.
fn length16(text: &str) -> i16 {
    i16::try_from(text.len()).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use crate::kafka::messages::{ProduceRequest, RequestHeader, TopicName};
    use crate::kafka::protocol::{Encodable, HeaderVersion, StrBytes};

    fn by_the_crate(head: &ProduceHead<'_>, topics: &[ProducedTopic<'_>]) -> Vec<u8> {
        let string = |text: &str| StrBytes::from_string(text.to_owned());
        let header = RequestHeader::default()
            .with_request_api_key(ApiKey::Produce as i16)
            .with_request_api_version(head.version)
            .with_client_id(Some(string(head.client_id)));
        let topics = topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|(index, records)| {
                PartitionProduceData::default()
                    .with_index(*index)
                    .with_records(Some(records.clone()))
            });
            TopicProduceData::default()
                .with_name(TopicName(string(topic.name)))
                .with_partition_data(partitions.collect())
        });
        let request = ProduceRequest::default()
            .with_acks(head.acks)
            .with_timeout_ms(head.timeout_ms)
            .with_topic_data(topics.collect());
        let mut body = BytesMut::new();
        header
            .encode(&mut body, ProduceRequest::header_version(head.version))
            .unwrap();
        request.encode(&mut body, head.version).unwrap();
        let mut frame = i32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(&body);
        frame
    }

    #[test]
    fn is_what_the_crate_writes_in_every_version() {
        let large = Bytes::from(vec![7; 70_000]);
        let topics = [
            ProducedTopic {
                name: "a",
                partitions: vec![(0, large.clone()), (3, Bytes::from_static(b"small")), (4, large)],
            },
            ProducedTopic {
                name: &"long".repeat(50),
                partitions: vec![(1, Bytes::from(vec![1; COPY_UP_TO]))],
            },
            ProducedTopic {
                name: "last",
                partitions: vec![(9, Bytes::from(vec![2; COPY_UP_TO + 1]))],
            },
        ];
        for version in 3..=12 {
            for topics in [&topics[..], &topics[..1], &topics[..0]] {
                let head = ProduceHead {
                    version,
                    client_id: "a client",
                    acks: -1,
                    timeout_ms: 30_000,
                };
                let pieces = encode(&head, topics);
                assert_eq!(pieces.concat(), by_the_crate(&head, topics), "version {version}");
            }
        }
    }

    #[test]
    fn large_batches_are_shared() {
        let large = Bytes::from(vec![7; 70_000]);
        let topics = [ProducedTopic {
            name: "a",
            partitions: vec![(0, large.clone())],
        }];
        let head = ProduceHead {
            version: 9,
            client_id: "",
            acks: 1,
            timeout_ms: 1,
        };
        let pieces = encode(&head, &topics);
        assert!(pieces.iter().any(|piece| piece.as_ptr() == large.as_ptr()));
    }
}
