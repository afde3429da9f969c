//! LeaveGroup: one member, or (from version 3 on) several, by member or instance id.

use tidemill_wire::kafka::messages::leave_group_response::MemberResponse;
use tidemill_wire::kafka::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::Cx;
use super::groups::{code, owned, text};
use crate::group::classic::LeaveIdentity;

pub(super) async fn handle(cx: &Cx, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let group = request.group_id.to_string();
    let who: Vec<LeaveIdentity> = if cx.version < 3 {
        vec![LeaveIdentity {
            member_id: request.member_id.to_string(),
            instance_id: None,
        }]
    } else {
        let identity = |m: tidemill_wire::kafka::messages::leave_group_request::MemberIdentity| {
            tracing::debug!(group, member = %m.member_id, reason = m.reason.as_deref(), "a member leaves");
            LeaveIdentity {
                member_id: m.member_id.to_string(),
                instance_id: owned(m.group_instance_id),
            }
        };
        request.members.into_iter().map(identity).collect()
    };
    let answer = LeaveGroupResponse::default();
    match cx.broker.groups.leave(&group, &who).await {
        Err(error) => answer.with_error_code(error.code()),
        Ok(results) if cx.version < 3 => {
            answer.with_error_code(results.first().map_or(0, |result| code(result.err())))
        }
        Ok(results) => answer.with_members(
            who.into_iter()
                .zip(results)
                .map(|(who, result)| {
                    MemberResponse::default()
                        .with_member_id(text(who.member_id))
                        .with_group_instance_id(who.instance_id.map(text))
                        .with_error_code(code(result.err()))
                })
                .collect(),
        ),
    }
}
