//! FindCoordinator: which broker a group's requests go to. Asking makes the offsets topic.

use std::time::Duration;

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::find_coordinator_response::Coordinator;
use tidemill_wire::kafka::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use super::Cx;
use crate::errors::Failure;

/// Key type of consumer groups; transactions are 1, share groups 2.
const GROUP: i8 = 0;
/// How long the first ask may wait for the offsets topic.
const PREPARE: Duration = Duration::from_secs(5);

pub(super) async fn handle(cx: &Cx, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    if cx.version < 4 {
        let found = find(cx, request.key_type, request.key).await;
        return FindCoordinatorResponse::default()
            .with_error_code(found.error_code)
            .with_error_message(found.error_message)
            .with_node_id(found.node_id)
            .with_host(found.host)
            .with_port(found.port);
    }
    let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
    for key in request.coordinator_keys {
        coordinators.push(find(cx, request.key_type, key).await);
    }
    FindCoordinatorResponse::default().with_coordinators(coordinators)
}

async fn find(cx: &Cx, key_type: i8, key: StrBytes) -> Coordinator {
    let answer = Coordinator::default().with_key(key.clone());
    match locate(cx, key_type, &key).await {
        Ok(()) => {
            let (host, port) = &cx.broker.config.advertised;
            answer
                .with_node_id(BrokerId(cx.broker.config.node_id))
                .with_host(StrBytes::from_string(host.clone()))
                .with_port(i32::from(*port))
        }
        Err(failure) => answer
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(failure.code)
            .with_error_message(failure.text()),
    }
}

async fn locate(cx: &Cx, key_type: i8, key: &str) -> Result<(), Failure> {
    if key_type != GROUP {
        let message =
            "only consumer groups have coordinators here: transactions and share groups are not supported";
        return Err(Failure::new(ResponseError::InvalidRequest, message));
    }
    if key.is_empty() {
        return Err(Failure::new(
            ResponseError::InvalidGroupId,
            "the group id is empty; set group.id",
        ));
    }
    if cx.broker.groups.prepare(&cx.broker.metadata, key, PREPARE).await {
        return Ok(());
    }
    let message = "the coordinator is starting; ask again";
    Err(Failure::new(ResponseError::CoordinatorNotAvailable, message))
}
