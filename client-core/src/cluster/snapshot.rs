//! What a Metadata answer says, kept as one immutable picture.

use std::collections::HashMap;
use std::sync::Arc;

use tidemill_wire::kafka::messages::MetadataResponse;
use tidemill_wire::kafka::messages::metadata_response::MetadataResponseTopic;
use uuid::Uuid;

use crate::connection::Address;

/// The cluster as last seen: brokers, and the topics that were asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) cluster_id: String,
    pub(crate) controller: i32,
    pub(crate) brokers: HashMap<i32, Broker>,
    pub(crate) topics: HashMap<Arc<str>, Arc<TopicMetadata>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub(crate) id: i32,
    pub(crate) address: Address,
    pub(crate) rack: Option<String>,
}

/// A partition of this number or above is left out: no topic has so many, and memory is taken for all below it.
const MOST_PARTITIONS: i32 = 1 << 20;

/// One topic: who leads each partition. Partitions are dense, their index is their number.
#[derive(Clone, Debug)]
pub(crate) struct TopicMetadata {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) internal: bool,
    pub(crate) partitions: Vec<PartitionMetadata>,
}

#[derive(Clone, Debug)]
pub(crate) struct PartitionMetadata {
    /// The leading broker; -1 while there is none.
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) isr: Vec<i32>,
}

impl Snapshot {
    /// This picture with what `response` adds and changes. Topics it reports gone are dropped.
    pub(crate) fn updated(&self, response: &MetadataResponse) -> Self {
        let mut next = Self {
            cluster_id: response
                .cluster_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            controller: response.controller_id.0,
            brokers: HashMap::new(),
            topics: self.topics.clone(),
        };
        for broker in &response.brokers {
            let address = Address {
                host: broker.host.to_string(),
                port: u16::try_from(broker.port).unwrap_or_default(),
            };
            let rack = broker.rack.as_ref().map(ToString::to_string);
            next.brokers.insert(
                broker.node_id.0,
                Broker {
                    id: broker.node_id.0,
                    address,
                    rack,
                },
            );
        }
        for topic in &response.topics {
            let Some(name) = &topic.name else { continue };
            match topic.error_code {
                0 => {
                    let topic = Arc::new(TopicMetadata::read(name, topic));
                    next.topics.insert(topic.name.clone(), topic);
                }
                _ => {
                    next.topics.remove(name.0.as_str());
                }
            }
        }
        next
    }
}

impl TopicMetadata {
    fn read(name: &str, topic: &MetadataResponseTopic) -> Self {
        let indexes = topic.partitions.iter().map(|p| p.partition_index);
        let count = indexes
            .filter(|index| *index < MOST_PARTITIONS)
            .max()
            .map_or(0, |last| last + 1);
        let nobody = PartitionMetadata {
            leader: -1,
            leader_epoch: -1,
            replicas: Vec::new(),
            isr: Vec::new(),
        };
        let mut partitions = vec![nobody; usize::try_from(count).unwrap_or(0)];
        for partition in &topic.partitions {
            let index = usize::try_from(partition.partition_index).unwrap_or(usize::MAX);
            if let Some(slot) = partitions.get_mut(index) {
                *slot = PartitionMetadata {
                    leader: partition.leader_id.0,
                    leader_epoch: partition.leader_epoch,
                    replicas: partition.replica_nodes.iter().map(|id| id.0).collect(),
                    isr: partition.isr_nodes.iter().map(|id| id.0).collect(),
                };
            }
        }
        Self {
            name: Arc::from(name),
            id: topic.topic_id,
            internal: topic.is_internal,
            partitions,
        }
    }

    /// The leader of `partition`, if there is one.
    pub(crate) fn leader(&self, partition: i32) -> Option<i32> {
        let leader = self.partitions.get(usize::try_from(partition).ok()?)?.leader;
        (leader >= 0).then_some(leader)
    }

    pub(crate) fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use tidemill_wire::kafka::messages::metadata_response::MetadataResponsePartition;

    use super::*;

    #[test]
    fn a_partition_number_beyond_reason_costs_no_memory() {
        let partition = |index: i32| MetadataResponsePartition::default().with_partition_index(index);
        let partitions = vec![partition(0), partition(1), partition(i32::MAX), partition(-5)];
        let answer = MetadataResponseTopic::default().with_partitions(partitions);
        assert_eq!(TopicMetadata::read("orders", &answer).partition_count(), 2);
    }
}
