//! The consumer protocol inside the classic group protocol: subscriptions and assignments as bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use tidemill_wire::consumer_protocol;
use tidemill_wire::kafka::messages::consumer_protocol_assignment::TopicPartition as AssignedTopic;
use tidemill_wire::kafka::messages::consumer_protocol_subscription::TopicPartition as OwnedTopic;
use tidemill_wire::kafka::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use tidemill_wire::kafka::protocol::Encodable;

use super::assignor::Subscription;
use crate::admin::TopicPartition;
use crate::cluster::{text, topic_name};
use crate::error::{Error, Result};

/// With owned partitions and their generation (KIP-429, KIP-792).
const SUBSCRIPTION_VERSION: i16 = 2;
const ASSIGNMENT_VERSION: i16 = 1;

fn by_topic<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> Vec<(Arc<str>, Vec<i32>)> {
    let mut topics: Vec<(Arc<str>, Vec<i32>)> = Vec::new();
    for TopicPartition { topic, partition } in partitions {
        match topics.iter_mut().find(|(name, _)| name == topic) {
            Some((_, indexes)) => indexes.push(*partition),
            None => topics.push((topic.clone(), vec![*partition])),
        }
    }
    topics
}

fn flat<'a>(topics: impl Iterator<Item = (&'a str, &'a [i32])>) -> Vec<TopicPartition> {
    topics
        .flat_map(|(topic, partitions)| {
            let topic: Arc<str> = Arc::from(topic);
            partitions.iter().map(move |&partition| TopicPartition {
                topic: topic.clone(),
                partition,
            })
        })
        .collect()
}

fn encoded(version: i16, message: &impl Encodable) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    bytes.put_i16(version);
    message
        .encode(&mut bytes, version)
        .map_err(|error| Error::internal(format!("cannot encode a group message: {error:#}")))?;
    Ok(bytes.freeze())
}

pub(super) fn encode_subscription(subscription: &Subscription) -> Result<Bytes> {
    let owned = by_topic(&subscription.owned)
        .into_iter()
        .map(|(topic, partitions)| {
            OwnedTopic::default()
                .with_topic(topic_name(&topic))
                .with_partitions(partitions)
        });
    let message = ConsumerProtocolSubscription::default()
        .with_topics(subscription.topics.iter().map(|topic| text(topic)).collect())
        .with_owned_partitions(owned.collect())
        .with_generation_id(subscription.generation);
    encoded(SUBSCRIPTION_VERSION, &message)
}

pub(super) fn decode_subscription(bytes: Bytes) -> Result<Subscription> {
    let message: ConsumerProtocolSubscription =
        consumer_protocol::decode_subscription(bytes).map_err(|error| Error::corrupt(error.to_string()))?;
    Ok(Subscription {
        topics: message
            .topics
            .iter()
            .map(|topic| Arc::from(topic.as_str()))
            .collect(),
        owned: flat(
            message
                .owned_partitions
                .iter()
                .map(|t| (t.topic.as_str(), t.partitions.as_slice())),
        ),
        generation: message.generation_id,
    })
}

pub(super) fn encode_assignment(partitions: &BTreeSet<TopicPartition>) -> Result<Bytes> {
    let topics = by_topic(partitions).into_iter().map(|(topic, partitions)| {
        AssignedTopic::default()
            .with_topic(topic_name(&topic))
            .with_partitions(partitions)
    });
    encoded(
        ASSIGNMENT_VERSION,
        &ConsumerProtocolAssignment::default().with_assigned_partitions(topics.collect()),
    )
}

/// No bytes at all mean: nothing assigned.
pub(super) fn decode_assignment(bytes: Bytes) -> Result<BTreeSet<TopicPartition>> {
    if bytes.is_empty() {
        return Ok(BTreeSet::new());
    }
    let message: ConsumerProtocolAssignment =
        consumer_protocol::decode_assignment(bytes).map_err(|error| Error::corrupt(error.to_string()))?;
    let topics = message
        .assigned_partitions
        .iter()
        .map(|t| (t.topic.as_str(), t.partitions.as_slice()));
    Ok(flat(topics).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_and_assignments_survive_the_wire() {
        let partition = |topic: &str, partition| TopicPartition {
            topic: Arc::from(topic),
            partition,
        };
        let subscription = Subscription {
            topics: [Arc::from("a"), Arc::from("b")].into(),
            owned: vec![partition("a", 1), partition("a", 2), partition("b", 0)],
            generation: 7,
        };
        let back = decode_subscription(encode_subscription(&subscription).unwrap()).unwrap();
        assert_eq!(
            (back.topics, back.owned, back.generation),
            (subscription.topics, subscription.owned, 7)
        );
        let assignment: BTreeSet<_> = [partition("x", 3), partition("y", 0)].into();
        assert_eq!(
            decode_assignment(encode_assignment(&assignment).unwrap()).unwrap(),
            assignment
        );
        assert!(decode_assignment(Bytes::from_static(b"\x00")).is_err());
        assert!(decode_assignment(Bytes::new()).unwrap().is_empty());
    }
}
