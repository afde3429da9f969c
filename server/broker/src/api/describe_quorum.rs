//! DescribeQuorum (KIP-595): who holds the metadata. With one node that is this one, and its log is never behind.

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_quorum_response::{
    Node, PartitionData, ReplicaState, TopicData,
};
use tidemill_wire::kafka::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse};

use super::Cx;

/// What Kafka calls the metadata's log. There is no such topic to read here.
const METADATA: &str = "__cluster_metadata";

pub(super) fn handle(cx: &Cx, request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    // Kafka has one log to tell of, and tells of nothing when more is asked for.
    let known = matches!(&request.topics[..], [topic] if *topic.topic_name.0 == *METADATA
        && matches!(&topic.partitions[..], [partition] if partition.partition_index == 0));
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| match known {
            true => describe(cx),
            false => PartitionData::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(ResponseError::UnknownTopicOrPartition.code())
                .with_error_message(None),
        });
        let partitions = partitions.collect();
        TopicData::default()
            .with_topic_name(topic.topic_name)
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    let response = DescribeQuorumResponse::default()
        .with_error_message(None)
        .with_topics(topics);
    if cx.version < 2 || !known {
        return response;
    }
    // Controllers have no listeners of their own.
    response.with_nodes(vec![
        Node::default().with_node_id(BrokerId(cx.broker.config.node_id)),
    ])
}

fn describe(cx: &Cx) -> PartitionData {
    let image = cx.broker.metadata.image();
    let this = BrokerId(cx.broker.config.node_id);
    // A start of the server is a registration, and begins a new term of its only leader.
    let epoch = image
        .broker(this.0)
        .map_or(0, |broker| i32::try_from(broker.epoch).unwrap_or(i32::MAX));
    let end = i64::try_from(image.version).unwrap_or(i64::MAX).saturating_add(1);
    let now_ms = cx.broker.env.clock.wall_ms();
    let mut voter = ReplicaState::default()
        .with_replica_id(this)
        .with_log_end_offset(end);
    if cx.version >= 1 {
        voter = voter
            .with_last_fetch_timestamp(now_ms)
            .with_last_caught_up_timestamp(now_ms);
    }
    PartitionData::default()
        .with_error_message(None)
        .with_leader_id(this)
        .with_leader_epoch(epoch)
        .with_high_watermark(end)
        .with_current_voters(vec![voter])
}
