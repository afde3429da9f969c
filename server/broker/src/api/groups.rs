//! The switch for consumer groups and their offsets, and what its requests share.

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{RequestKind, ResponseKind};
use tidemill_wire::kafka::protocol::StrBytes;

use super::{
    Cx, consumer_group_describe, consumer_group_heartbeat, delete_groups, describe_groups, find_coordinator,
    heartbeat, join_group, leave_group, list_groups, offset_commit, offset_delete, offset_fetch, sync_group,
};

/// What is asked of the group coordinator. `None` for requests that are not.
pub(super) async fn coordinate(cx: &Cx, request: RequestKind) -> Option<ResponseKind> {
    use RequestKind as Asked;
    use ResponseKind as Told;
    Some(match request {
        Asked::FindCoordinator(request) => Told::FindCoordinator(find_coordinator::handle(cx, request).await),
        Asked::JoinGroup(request) => Told::JoinGroup(join_group::handle(cx, request).await),
        Asked::SyncGroup(request) => Told::SyncGroup(sync_group::handle(cx, request).await),
        Asked::Heartbeat(request) => Told::Heartbeat(heartbeat::handle(cx, &request)),
        Asked::LeaveGroup(request) => Told::LeaveGroup(leave_group::handle(cx, request).await),
        Asked::ConsumerGroupHeartbeat(request) => {
            Told::ConsumerGroupHeartbeat(consumer_group_heartbeat::handle(cx, request).await)
        }
        Asked::ConsumerGroupDescribe(request) => {
            Told::ConsumerGroupDescribe(consumer_group_describe::handle(cx, request))
        }
        Asked::OffsetCommit(request) => Told::OffsetCommit(offset_commit::handle(cx, request).await),
        Asked::OffsetFetch(request) => Told::OffsetFetch(offset_fetch::handle(cx, request).await),
        Asked::OffsetDelete(request) => Told::OffsetDelete(offset_delete::handle(cx, request).await),
        Asked::DescribeGroups(request) => Told::DescribeGroups(describe_groups::handle(cx, request)),
        Asked::ListGroups(request) => Told::ListGroups(list_groups::handle(cx, &request)),
        Asked::DeleteGroups(request) => Told::DeleteGroups(delete_groups::handle(cx, request).await),
        _ => return None,
    })
}

/// The error's number; 0 when there is none.
pub(super) fn code(error: Option<ResponseError>) -> i16 {
    error.map_or(0, |error| error.code())
}

/// A string of a request, copied: what a group keeps must not keep whole requests in memory.
pub(super) fn owned(text: Option<StrBytes>) -> Option<String> {
    text.map(|text| text.to_string())
}

/// A string for a response.
pub(super) fn text(text: String) -> StrBytes {
    StrBytes::from_string(text)
}
