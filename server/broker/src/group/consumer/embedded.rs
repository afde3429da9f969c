//! What classic members' own metadata and assignments say, in the terms of this group: topic ids.

use std::collections::BTreeSet;

use bytes::Bytes;
use tidemill_wire::consumer_protocol::{
    ConsumerProtocolError, decode_assignment, decode_subscription, encode_assignment,
};
use tidemill_wire::kafka::messages::consumer_protocol_assignment::TopicPartition;
use tidemill_wire::kafka::messages::{ConsumerProtocolAssignment, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;

use crate::group::records::TopicPartitions;
use crate::group::topics::Topics;

/// The protocol type of consumers: members of any other cannot be in such a group.
pub(super) const PROTOCOL_TYPE: &str = "consumer";

/// What a classic member subscribes to, and has not let go.
pub(super) struct Subscription {
    pub(super) topics: BTreeSet<String>,
    /// Empty for a member that lets everything go before it joins, as all do with assignors that are
    /// not cooperative.
    pub(super) owned: TopicPartitions,
    pub(super) rack_id: Option<String>,
}

/// Reads a member's metadata for one of its protocols.
pub(super) fn subscription(
    metadata: &Bytes,
    topics: &dyn Topics,
) -> Result<Subscription, ConsumerProtocolError> {
    let read = decode_subscription(metadata.clone())?;
    let owned = read
        .owned_partitions
        .iter()
        .map(|topic| (&topic.topic, &*topic.partitions));
    let rack_id = read.rack_id.map(|rack| rack.to_string());
    Ok(Subscription {
        owned: by_id(owned, topics),
        topics: read.topics.iter().map(ToString::to_string).collect(),
        rack_id: rack_id.filter(|rack| !rack.is_empty()),
    })
}

/// Reads what a leader gave a member; one that has not been given anything has no bytes.
pub(super) fn assignment(
    assignment: &Bytes,
    topics: &dyn Topics,
) -> Result<TopicPartitions, ConsumerProtocolError> {
    if assignment.is_empty() {
        return Ok(TopicPartitions::new());
    }
    let read = decode_assignment(assignment.clone())?;
    let given = read.assigned_partitions.iter();
    Ok(by_id(
        given.map(|topic| (&topic.topic, &*topic.partitions)),
        topics,
    ))
}

/// Topics that are gone are left out.
fn by_id<'a>(
    partitions: impl Iterator<Item = (&'a TopicName, &'a [i32])>,
    topics: &dyn Topics,
) -> TopicPartitions {
    let mut all = TopicPartitions::new();
    for (name, indexes) in partitions {
        if let Some(topic) = topics.topic(name) {
            all.entry(topic.id).or_default().extend(indexes);
        }
    }
    all
}

/// Writes what a member is given, so that one with this metadata reads it.
pub(super) fn encoded(partitions: &TopicPartitions, metadata: &[u8], topics: &dyn Topics) -> Bytes {
    let topic = |(id, indexes): (&uuid::Uuid, &BTreeSet<i32>)| {
        let name = TopicName(StrBytes::from_string(topics.name_of(*id)?));
        let given = TopicPartition::default().with_topic(name);
        Some(given.with_partitions(indexes.iter().copied().collect()))
    };
    let given = partitions.iter().filter_map(topic).collect();
    let assignment = ConsumerProtocolAssignment::default().with_assigned_partitions(given);
    // Only a topic's name could be too long, and one that long cannot be made.
    encode_assignment(&assignment, metadata).unwrap_or_default()
}
