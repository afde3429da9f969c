//! Heartbeat of the classic protocol.

use tidemill_wire::kafka::messages::{HeartbeatRequest, HeartbeatResponse};

use super::Cx;
use super::groups::code;

pub(super) fn handle(cx: &Cx, request: &HeartbeatRequest) -> HeartbeatResponse {
    let member = (&*request.member_id, request.group_instance_id.as_deref());
    let result = cx
        .broker
        .groups
        .heartbeat(&request.group_id, member, request.generation_id);
    HeartbeatResponse::default().with_error_code(code(result.err()))
}
