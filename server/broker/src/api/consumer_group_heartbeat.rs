//! ConsumerGroupHeartbeat (KIP-848).

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::consumer_group_heartbeat_response::{
    Assignment, TopicPartitions as Partitions,
};
use tidemill_wire::kafka::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use super::Cx;
use super::groups::{owned, text};
use crate::group::consumer::HeartbeatRequest;
use crate::group::records::TopicPartitions;

pub(super) async fn handle(
    cx: &Cx,
    request: ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupHeartbeatResponse {
    // From version 1 on, members name themselves.
    let nameless = cx.version >= 1 && request.member_id.is_empty();
    if request.group_id.is_empty() || nameless {
        let what = if nameless { "member" } else { "group" };
        return ConsumerGroupHeartbeatResponse::default()
            .with_error_code(ResponseError::InvalidRequest.code())
            .with_error_message(Some(text(format!("the {what}'s id is empty"))))
            .with_member_id(Some(request.member_id).filter(|id| !id.is_empty()));
    }
    let group = request.group_id.to_string();
    let collect =
        |topics: Vec<tidemill_wire::kafka::messages::consumer_group_heartbeat_request::TopicPartitions>| {
            topics
                .into_iter()
                .map(|t| (t.topic_id, t.partitions.into_iter().collect()))
                .collect::<TopicPartitions>()
        };
    let heartbeat = HeartbeatRequest {
        member_id: request.member_id.to_string(),
        epoch: request.member_epoch,
        instance_id: owned(request.instance_id),
        rack_id: owned(request.rack_id),
        client_id: cx.client_id.to_string(),
        client_host: cx.client_host.to_string(),
        rebalance_timeout_ms: Some(request.rebalance_timeout_ms).filter(|ms| *ms >= 0),
        topics: request
            .subscribed_topic_names
            .map(|names| names.iter().map(|n| n.to_string()).collect()),
        regex: owned(request.subscribed_topic_regex),
        assignor: owned(request.server_assignor),
        owned: request.topic_partitions.map(collect),
    };
    let member_id = request.member_id.clone();
    let leaves = request.member_epoch < 0;
    match cx.broker.groups.consumer_heartbeat(&group, heartbeat).await {
        Ok(reply) => ConsumerGroupHeartbeatResponse::default()
            .with_member_id(Some(text(reply.member_id)))
            .with_member_epoch(reply.epoch)
            .with_heartbeat_interval_ms(if leaves { 0 } else { reply.heartbeat_interval_ms })
            .with_assignment(reply.assignment.map(assignment)),
        Err(refusal) => ConsumerGroupHeartbeatResponse::default()
            .with_error_code(refusal.code.code())
            .with_error_message(Some(text(refusal.message)))
            .with_member_id(Some(member_id).filter(|id| !id.is_empty())),
    }
}

fn assignment(partitions: TopicPartitions) -> Assignment {
    let topic = |(id, indexes): (uuid::Uuid, std::collections::BTreeSet<i32>)| {
        Partitions::default()
            .with_topic_id(id)
            .with_partitions(indexes.into_iter().collect())
    };
    Assignment::default().with_topic_partitions(partitions.into_iter().map(topic).collect())
}
