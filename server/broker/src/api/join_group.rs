//! JoinGroup.

use bytes::Bytes;
use tidemill_wire::kafka::messages::join_group_response::JoinGroupResponseMember;
use tidemill_wire::kafka::messages::{JoinGroupRequest, JoinGroupResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use super::Cx;
use super::groups::{code, owned, text};
use crate::group::classic::{JoinReply, JoinRequest};
use crate::group::membership::NO_TOKEN;

pub(super) async fn handle(cx: &Cx, request: JoinGroupRequest) -> JoinGroupResponse {
    let group = request.group_id.to_string();
    if let Some(reason) = request.reason.as_ref().filter(|reason| !reason.is_empty()) {
        tracing::debug!(group, member = %request.member_id, %reason, "a member joins");
    }
    let session = request.session_timeout_ms;
    let join = JoinRequest {
        token: NO_TOKEN,
        member_id: request.member_id.to_string(),
        new_member_id: String::new(),
        instance_id: owned(request.group_instance_id),
        client_id: cx.client_id.to_string(),
        client_host: cx.client_host.to_string(),
        session_timeout_ms: session,
        // Version 0 has no rebalance timeout: the session's serves.
        rebalance_timeout_ms: if cx.version == 0 {
            session
        } else {
            request.rebalance_timeout_ms
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            // Copies: what a group keeps must not keep whole requests in memory.
            .map(|p| (p.name.to_string(), Bytes::copy_from_slice(&p.metadata)))
            .collect(),
        require_member_id: cx.version >= 4,
        knows_skip: cx.version >= 9,
    };
    response(cx.version, cx.broker.groups.join(&group, join).await)
}

fn response(version: i16, reply: JoinReply) -> JoinGroupResponse {
    let member = |m: crate::group::classic::JoinMember| {
        JoinGroupResponseMember::default()
            .with_member_id(text(m.id))
            .with_group_instance_id(m.instance_id.filter(|_| version >= 5).map(text))
            .with_metadata(m.metadata)
    };
    // Before version 7 the protocol name may not be null.
    let protocol = match reply.protocol {
        None if version < 7 => Some(StrBytes::new()),
        protocol => protocol.map(text),
    };
    JoinGroupResponse::default()
        .with_error_code(code(reply.error))
        .with_generation_id(reply.generation)
        .with_protocol_type(reply.protocol_type.filter(|_| version >= 7).map(text))
        .with_protocol_name(protocol)
        .with_leader(text(reply.leader))
        .with_skip_assignment(reply.skip_assignment && version >= 9)
        .with_member_id(text(reply.member_id))
        .with_members(reply.members.into_iter().map(member).collect())
}
