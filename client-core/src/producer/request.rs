//! Batches as they go on the wire, and the Produce request and answer around them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tidemill_wire::batch::{BatchBuilder, patch};
use tidemill_wire::kafka::messages::ProduceResponse;
use tidemill_wire::produce::{self, ProduceHead, ProducedTopic};
use tokio::time::Instant;

use super::accumulator::OpenBatch;
use super::builder::{Acks, ProducerSettings};
use super::delivery::{Completion, Stored};
use super::sequencer::Stamp;

/// A closed batch on its way.
pub(super) struct SendBatch {
    pub(super) completion: Arc<Completion>,
    pub(super) opened: Instant,
    pub(super) reserved: usize,
    pub(super) records: u32,
    pub(super) attempts: u32,
    body: Body,
}

enum Body {
    Open(Box<BatchBuilder>),
    Built { bytes: Bytes, stamp: Option<Stamp> },
}

impl SendBatch {
    pub(super) fn new(batch: OpenBatch) -> Self {
        Self {
            completion: batch.completion,
            opened: batch.opened,
            reserved: batch.reserved,
            records: batch.records,
            attempts: 0,
            body: Body::Open(Box::new(batch.builder)),
        }
    }

    /// The batch's bytes, marked with `stamp`. Compressed and checksummed the first time only, unless the stamp changes.
    pub(super) fn bytes(&mut self, stamp: Option<Stamp>) -> Bytes {
        let placeholder = Body::Built {
            bytes: Bytes::new(),
            stamp: None,
        };
        let bytes = match std::mem::replace(&mut self.body, placeholder) {
            Body::Open(builder) => match stamp {
                Some(Stamp {
                    identity,
                    base_sequence,
                }) => builder
                    .with_producer(identity.id, identity.epoch, base_sequence)
                    .build(),
                None => builder.build(),
            },
            Body::Built { bytes, stamp: old } if old == stamp => bytes,
            Body::Built { bytes, .. } => restamped(bytes, stamp),
        };
        self.body = Body::Built {
            bytes: bytes.clone(),
            stamp,
        };
        bytes
    }
}

fn restamped(bytes: Bytes, stamp: Option<Stamp>) -> Bytes {
    let mut bytes = BytesMut::from(bytes);
    if let Some(Stamp {
        identity,
        base_sequence,
    }) = stamp
    {
        patch::set_producer(&mut bytes, identity.id, identity.epoch, base_sequence);
    }
    bytes.freeze()
}

/// One batch of a request: what to find it by again, and its bytes.
pub(super) struct Part {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) number: u64,
    pub(super) bytes: Bytes,
}

/// The request for `parts`, each of another partition, as a frame in pieces.
pub(super) fn frame(
    parts: &[Part],
    settings: &ProducerSettings,
    client_id: &str,
    version: i16,
) -> Vec<Bytes> {
    let mut topics: Vec<ProducedTopic<'_>> = Vec::new();
    for part in parts {
        let data = (part.partition, part.bytes.clone());
        match topics.iter_mut().find(|topic| topic.name == &*part.topic) {
            Some(topic) => topic.partitions.push(data),
            None => topics.push(ProducedTopic {
                name: &part.topic,
                partitions: vec![data],
            }),
        }
    }
    let acks = match settings.acks {
        Acks::None => 0,
        Acks::Leader => 1,
        Acks::All => -1,
    };
    let head = ProduceHead {
        version,
        client_id,
        acks,
        timeout_ms: i32::try_from(settings.request_timeout.as_millis()).unwrap_or(i32::MAX),
    };
    produce::encode(&head, &topics)
}

/// The broker's word on one partition of a request.
pub(super) struct Answer {
    pub(super) code: i16,
    pub(super) message: Option<String>,
    pub(super) stored: Stored,
}

/// What `response` says of `part`; `None` if it does not name it.
pub(super) fn answer_for(response: &ProduceResponse, part: &Part) -> Option<Answer> {
    let topic = response
        .responses
        .iter()
        .find(|topic| topic.name.as_str() == &*part.topic)?;
    let partition = topic
        .partition_responses
        .iter()
        .find(|partition| partition.index == part.partition)?;
    let message = partition.error_message.as_ref().or_else(|| {
        partition
            .record_errors
            .first()
            .and_then(|error| error.batch_index_error_message.as_ref())
    });
    Some(Answer {
        code: partition.error_code,
        message: message.map(ToString::to_string),
        stored: Stored {
            base_offset: partition.base_offset,
            log_append_time: partition.log_append_time_ms,
        },
    })
}
