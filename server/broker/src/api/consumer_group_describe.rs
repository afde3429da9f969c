//! ConsumerGroupDescribe (KIP-848).

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions as Partitions,
};
use tidemill_wire::kafka::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId, TopicName,
};

use super::groups::text;
use super::{Cx, authorized};
use crate::group::records::TopicPartitions;
use crate::group::{GroupDescription, MemberDescription, MemberDetail};

/// Member type of one that speaks the classic protocol.
const CLASSIC: i8 = 0;
/// Member type of KIP-848.
const CONSUMER: i8 = 1;

pub(super) fn handle(cx: &Cx, request: ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse {
    let asked = request.include_authorized_operations;
    let groups = request
        .group_ids
        .into_iter()
        .map(|id| describe(cx, id, asked))
        .collect();
    ConsumerGroupDescribeResponse::default().with_groups(groups)
}

fn describe(cx: &Cx, id: GroupId, asked: bool) -> DescribedGroup {
    let answer = DescribedGroup::default()
        .with_group_id(id.clone())
        .with_authorized_operations(authorized::on_group(asked));
    let refuse = |answer: DescribedGroup, error: ResponseError, message: String| {
        answer
            .with_error_code(error.code())
            .with_error_message(Some(text(message)))
    };
    match cx.broker.groups.describe(&id) {
        Err(error) => refuse(answer, error, error.to_string()),
        Ok(Some(GroupDescription {
            epochs: Some(epochs),
            overview,
            assignor,
            members,
        })) => answer
            .with_group_state(text(overview.state.to_owned()))
            .with_group_epoch(epochs.0)
            .with_assignment_epoch(epochs.1)
            .with_assignor_name(text(assignor))
            .with_members(members.into_iter().map(|m| member(cx, m)).collect()),
        Ok(_) => refuse(
            answer,
            ResponseError::GroupIdNotFound,
            format!("There is no consumer group {}.", &*id),
        ),
    }
}

fn member(cx: &Cx, m: MemberDescription) -> Member {
    let answer = Member::default()
        .with_member_id(text(m.id))
        .with_instance_id(m.instance_id.map(text))
        .with_client_id(text(m.client_id))
        .with_client_host(text(m.client_host));
    let MemberDetail::Consumer {
        classic,
        epoch,
        rack_id,
        topics,
        regex,
        assigned,
        target,
    } = m.detail
    else {
        return answer;
    };
    answer
        .with_rack_id(rack_id.map(text))
        .with_member_epoch(epoch)
        .with_subscribed_topic_names(topics.into_iter().map(|name| TopicName(text(name))).collect())
        .with_subscribed_topic_regex(regex.map(text))
        .with_assignment(assignment(cx, assigned))
        .with_target_assignment(assignment(cx, target))
        .with_member_type(match cx.version {
            0 => -1,
            _ if classic => CLASSIC,
            _ => CONSUMER,
        })
}

/// Topics that are gone are left out: there is no name to tell.
fn assignment(cx: &Cx, partitions: TopicPartitions) -> Assignment {
    let topic = |(id, indexes): (uuid::Uuid, std::collections::BTreeSet<i32>)| {
        let name = cx.broker.groups.topic_name(id)?;
        Some(
            Partitions::default()
                .with_topic_id(id)
                .with_topic_name(TopicName(text(name)))
                .with_partitions(indexes.into_iter().collect()),
        )
    };
    Assignment::default().with_topic_partitions(partitions.into_iter().filter_map(topic).collect())
}
