//! DescribeGroups: groups of the classic protocol.

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use tidemill_wire::kafka::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};

use super::groups::text;
use super::{Cx, authorized};
use crate::group::{GroupDescription, MemberDescription, MemberDetail};

pub(super) fn handle(cx: &Cx, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let asked = request.include_authorized_operations;
    let groups = request
        .groups
        .into_iter()
        .map(|id| describe(cx, id, asked))
        .collect();
    DescribeGroupsResponse::default().with_groups(groups)
}

/// The state of a group whose members have their parts.
const STABLE: &str = "Stable";

fn describe(cx: &Cx, id: GroupId, asked: bool) -> DescribedGroup {
    let answer = DescribedGroup::default()
        .with_group_id(id.clone())
        .with_authorized_operations(authorized::on_group(asked));
    match cx.broker.groups.describe(&id) {
        Err(error) => answer.with_error_code(error.code()),
        Ok(Some(GroupDescription {
            epochs: None,
            overview,
            assignor,
            members,
        })) => answer
            .with_group_state(text(overview.state.to_owned()))
            .with_protocol_type(text(overview.protocol_type))
            .with_protocol_data(text(if overview.state == STABLE {
                assignor
            } else {
                String::new()
            }))
            .with_members(
                members
                    .into_iter()
                    .map(|m| member(cx, m, overview.state == STABLE))
                    .collect(),
            ),
        // A group that is not there is dead; newer clients want that as an error.
        Ok(_) => {
            let answer = answer.with_group_state(text("Dead".to_owned()));
            if cx.version < 6 {
                return answer;
            }
            let message = format!("There is no classic group {}.", &*id);
            answer
                .with_error_code(ResponseError::GroupIdNotFound.code())
                .with_error_message(Some(text(message)))
        }
    }
}

/// What a member said counts once the protocol is chosen and the parts are given.
fn member(cx: &Cx, m: MemberDescription, stable: bool) -> DescribedGroupMember {
    let answer = DescribedGroupMember::default()
        .with_member_id(text(m.id))
        .with_group_instance_id(m.instance_id.filter(|_| cx.version >= 4).map(text))
        .with_client_id(text(m.client_id))
        .with_client_host(text(m.client_host));
    match m.detail {
        MemberDetail::Classic { metadata, assignment } if stable => answer
            .with_member_metadata(metadata)
            .with_member_assignment(assignment),
        MemberDetail::Classic { .. } | MemberDetail::Consumer { .. } => answer,
    }
}
