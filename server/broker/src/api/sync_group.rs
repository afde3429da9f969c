//! SyncGroup.

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{SyncGroupRequest, SyncGroupResponse};

use super::Cx;
use super::groups::{code, owned, text};
use crate::group::classic::SyncRequest;
use crate::group::membership::NO_TOKEN;

pub(super) async fn handle(cx: &Cx, request: SyncGroupRequest) -> SyncGroupResponse {
    if cx.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return SyncGroupResponse::default().with_error_code(ResponseError::InconsistentGroupProtocol.code());
    }
    let group = request.group_id.to_string();
    let sync = SyncRequest {
        token: NO_TOKEN,
        generation: request.generation_id,
        member_id: request.member_id.to_string(),
        instance_id: owned(request.group_instance_id),
        protocol_type: owned(request.protocol_type),
        protocol: owned(request.protocol_name),
        assignments: request
            .assignments
            .into_iter()
            .map(|a| (a.member_id.to_string(), Bytes::copy_from_slice(&a.assignment)))
            .collect(),
    };
    let reply = cx.broker.groups.sync(&group, sync).await;
    let new = cx.version >= 5;
    SyncGroupResponse::default()
        .with_error_code(code(reply.error))
        .with_protocol_type(reply.protocol_type.filter(|_| new).map(text))
        .with_protocol_name(reply.protocol.filter(|_| new).map(text))
        .with_assignment(reply.assignment)
}
