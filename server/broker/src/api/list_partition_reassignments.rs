//! ListPartitionReassignments (KIP-455): none is going on, for a partition has nowhere else to go.

use tidemill_wire::kafka::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

pub(super) fn handle(_request: &ListPartitionReassignmentsRequest) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default().with_error_message(None)
}
