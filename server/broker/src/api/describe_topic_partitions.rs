//! DescribeTopicPartitions: topics page by page (KIP-966).

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use tidemill_wire::kafka::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};
use tidemill_wire::kafka::protocol::StrBytes;

use super::{Cx, authorized};
use crate::visible::Visible;

/// Most partitions of one page, as Kafka's `max.request.partition.size.limit`.
const PAGE: usize = 2_000;

pub(super) fn handle(cx: &Cx, request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let image = cx.broker.metadata.image();
    let mut names: Vec<String> = match request.topics.is_empty() {
        true => {
            let all = Visible::all(&image).into_iter();
            all.map(|visible| visible.name().to_owned()).collect()
        }
        false => request
            .topics
            .into_iter()
            .map(|topic| topic.name.to_string())
            .collect(),
    };
    names.sort_unstable();
    names.dedup();
    let (from, first) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.to_string(), cursor.partition_index),
        None => (String::new(), 0),
    };
    let mut left = usize::try_from(request.response_partition_limit)
        .unwrap_or(0)
        .clamp(1, PAGE);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names.into_iter().filter(|name| *name >= from) {
        let begin = if name == from {
            usize::try_from(first).unwrap_or(0)
        } else {
            0
        };
        let Some(visible) = Visible::named(&image, &name) else {
            response.topics.push(unknown(name));
            continue;
        };
        let rest = visible.topic.partitions.len().saturating_sub(begin);
        if left > 0 {
            response.topics.push(describe(cx, &visible, begin, left));
        }
        if rest > left {
            let next = begin.saturating_add(left);
            let cursor = Cursor::default()
                .with_topic_name(TopicName(StrBytes::from_string(name)))
                .with_partition_index(i32::try_from(next).unwrap_or(i32::MAX));
            return response.with_next_cursor(Some(cursor));
        }
        left -= rest;
    }
    response
}

fn describe(cx: &Cx, visible: &Visible, begin: usize, most: usize) -> DescribeTopicPartitionsResponseTopic {
    let topic = &visible.topic;
    let here = topic.partitions.iter().enumerate().skip(begin).take(most);
    let partitions = here.map(|(index, partition)| {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
        DescribeTopicPartitionsResponsePartition::default()
            .with_error_code(cx.broker.leader_error(topic, index))
            .with_partition_index(index)
            .with_leader_id(BrokerId(partition.leader))
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(ids(&partition.replicas))
            .with_isr_nodes(ids(&partition.isr))
            .with_eligible_leader_replicas(Some(Vec::new()))
            .with_last_known_elr(Some(Vec::new()))
    });
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(visible.name().to_owned()))))
        .with_topic_id(visible.id())
        .with_is_internal(visible.internal())
        .with_partitions(partitions.collect())
        .with_topic_authorized_operations(authorized::on_topic(true))
}

fn unknown(name: String) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(ResponseError::UnknownTopicOrPartition.code())
        .with_name(Some(TopicName(StrBytes::from_string(name))))
        .with_topic_authorized_operations(authorized::on_topic(true))
}
