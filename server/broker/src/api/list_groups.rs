//! ListGroups, with filters by state and type.

use tidemill_wire::kafka::messages::list_groups_response::ListedGroup;
use tidemill_wire::kafka::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use super::Cx;
use super::groups::text;

pub(super) fn handle(cx: &Cx, request: &ListGroupsRequest) -> ListGroupsResponse {
    // Names in any case, as Kafka takes them.
    let passes = |filter: &[StrBytes], name: &str| {
        filter.is_empty() || filter.iter().any(|f| f.eq_ignore_ascii_case(name))
    };
    match cx.broker.groups.groups_overview() {
        Err(error) => ListGroupsResponse::default().with_error_code(error.code()),
        Ok(groups) => ListGroupsResponse::default().with_groups(
            groups
                .into_iter()
                .filter(|g| {
                    passes(&request.states_filter, g.state) && passes(&request.types_filter, g.group_type)
                })
                .map(|g| {
                    ListedGroup::default()
                        .with_group_id(GroupId(text(g.id)))
                        .with_protocol_type(text(g.protocol_type))
                        .with_group_state(if cx.version >= 4 {
                            g.state.into()
                        } else {
                            StrBytes::new()
                        })
                        .with_group_type(if cx.version >= 5 {
                            g.group_type.into()
                        } else {
                            StrBytes::new()
                        })
                })
                .collect(),
        ),
    }
}
