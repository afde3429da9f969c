//! InitProducerId: an id for an idempotent producer (KIP-98).

use tidemill_metadata::{Command, Reply};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Cx;

pub(super) async fn handle(cx: &Cx, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let refuse = |error: ResponseError| {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    };
    if request.transactional_id.is_some() {
        tracing::warn!(
            client = &*cx.client_id,
            "a transactional id was refused: transactions are not supported yet"
        );
        return refuse(ResponseError::TransactionalIdAuthorizationFailed);
    }
    // One command an id: producers start rarely, and an id lost with a crash would be lost anyway.
    let command = Command::AllocateProducerIds {
        broker: cx.broker.config.node_id,
        count: 1,
    };
    match cx.broker.metadata.propose(command).await {
        Ok(Reply::ProducerIds { first, .. }) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(first))
            .with_producer_epoch(0),
        Ok(_) => refuse(ResponseError::UnknownServerError),
        Err(error) => {
            tracing::warn!(%error, "no producer id could be given");
            refuse(ResponseError::CoordinatorNotAvailable)
        }
    }
}
