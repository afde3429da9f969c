//! Objects as users see them, made from the image and live facts.

use tidemill_metadata::{BrokerImage, Image, TopicImage};
use tidemill_resource::{
    Broker, BrokerSpec, BrokerStatus, ByteSize, Condition, ConsumerGroup, ObjectMeta, Partition,
    PartitionSpec, PartitionStatus, ResourceVersion,
};

use crate::live::{GroupFacts, Live};

/// A broker: where it is from the metadata, how it does from life.
pub(crate) fn broker(image: &Image, broker: &BrokerImage, live: &dyn Live) -> Broker {
    let mut meta = ObjectMeta::named(broker.id.to_string());
    meta.uid = Some(broker.incarnation);
    meta.resource_version = ResourceVersion(broker.epoch);
    meta.generation = 1;
    meta.set_created_ms(broker.registered_at_ms);
    let facts = live.broker(broker.id);
    let ready = match &facts {
        None => Condition::ready(false, "Unreachable", "the broker does not answer".to_owned(), 1),
        Some(facts) if facts.not_ready.is_empty() => {
            Condition::ready(true, "Serving", "the broker serves clients".to_owned(), 1)
        }
        Some(facts) => Condition::ready(false, "Starting", facts.not_ready.join("; "), 1),
    };
    let facts = facts.unwrap_or_default();
    let (mut partitions, mut leaders) = (0, 0);
    for partition in image.topics().flat_map(|topic| topic.partitions.iter()) {
        partitions += u32::from(partition.replicas.contains(&broker.id));
        leaders += u32::from(partition.leader == broker.id);
    }
    let spec = BrokerSpec {
        id: broker.id,
        rack: broker.rack.clone(),
        endpoints: broker.endpoints.clone(),
    };
    Broker::new(meta, spec).with_status(BrokerStatus {
        conditions: vec![ready],
        partitions,
        leaders,
        log_size: facts.log_size,
        version: facts.version,
    })
}

/// The partitions of a topic.
pub(crate) fn partitions(topic: &TopicImage, live: &dyn Live) -> Vec<Partition> {
    (0..topic.partition_count())
        .filter_map(|index| partition(topic, index, live))
        .collect()
}

/// One partition of a topic.
pub(crate) fn partition(topic: &TopicImage, index: u32, live: &dyn Live) -> Option<Partition> {
    let placed = topic.partitions.get(usize::try_from(index).ok()?)?;
    let facts = live.partition(topic.id, index);
    let ready = match &facts {
        None => Condition::ready(false, "Opening", "the replica is not open yet".to_owned(), 1),
        Some(facts) => match &facts.failed {
            None => Condition::ready(true, "Serving", "records can be written and read".to_owned(), 1),
            Some(reason) => Condition::ready(false, "ReplicaFailed", reason.clone(), 1),
        },
    };
    let mut meta = ObjectMeta::named(format!("{}-{index}", topic.name));
    meta.resource_version = topic.meta.resource_version;
    meta.generation = 1;
    meta.creation_timestamp = topic.meta.creation_timestamp;
    let spec = PartitionSpec {
        topic: topic.name.clone(),
        topic_id: topic.id,
        partition: index,
        replicas: placed.replicas.clone(),
    };
    Some(Partition::new(meta, spec).with_status(PartitionStatus {
        conditions: vec![ready],
        leader: placed.leader,
        leader_epoch: placed.leader_epoch,
        in_sync_replicas: placed.isr.clone(),
        log_start_offset: facts.as_ref().map(|facts| facts.log_start_offset),
        high_watermark: facts.as_ref().map(|facts| facts.high_watermark),
        log_size: facts.as_ref().map(|facts| ByteSize(facts.size_bytes)),
    }))
}

/// The partition that is named `{topic}-{index}`.
pub(crate) fn partition_named(image: &Image, name: &str, live: &dyn Live) -> Option<Partition> {
    let (topic, index) = name.rsplit_once('-')?;
    let canonical = index == "0" || !index.starts_with(['0', '+']);
    partition(
        image.topic(topic)?,
        index.parse().ok().filter(|_| canonical)?,
        live,
    )
}

/// A consumer group.
pub(crate) fn group(facts: GroupFacts) -> ConsumerGroup {
    let mut meta = ObjectMeta::named(facts.id);
    meta.generation = 1;
    ConsumerGroup::new(meta, facts.spec).with_status(facts.status)
}
