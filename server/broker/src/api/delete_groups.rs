//! DeleteGroups: empty groups and their offsets.

use tidemill_wire::kafka::messages::delete_groups_response::DeletableGroupResult;
use tidemill_wire::kafka::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::Cx;
use super::groups::code;

pub(super) async fn handle(cx: &Cx, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for id in request.groups_names {
        let error = cx.broker.groups.delete_group(&id).await.err();
        results.push(
            DeletableGroupResult::default()
                .with_group_id(id)
                .with_error_code(code(error)),
        );
    }
    DeleteGroupsResponse::default().with_results(results)
}
