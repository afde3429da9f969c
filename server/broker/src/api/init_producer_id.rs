//! InitProducerId: an id for an idempotent producer (KIP-98).

use tidemill_metadata::{Command, Reply};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Cx;
use crate::errors::Failure;

/// Ids taken from the metadata at once, as Kafka takes them. Those left at a stop are never given.
const BLOCK: u32 = 1_000;

pub(super) async fn handle(cx: &Cx, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let refuse = |error: ResponseError| {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    };
    // The id and the epoch are told together, by a producer that has both.
    let torn = (*request.producer_id == -1) != (request.producer_epoch == -1);
    let nameless = request.transactional_id.as_ref().is_some_and(|id| id.is_empty());
    if torn && cx.version >= 3 || nameless {
        return refuse(ResponseError::InvalidRequest);
    }
    if request.transactional_id.is_some() {
        tracing::warn!(
            client = &*cx.client_id,
            "a transactional id was refused: transactions are not supported yet"
        );
        return refuse(ResponseError::TransactionalIdAuthorizationFailed);
    }
    match next_id(cx).await {
        Ok(id) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(0),
        Err(error) => {
            tracing::warn!(error = error.message, "no producer id could be given");
            refuse(ResponseError::CoordinatorNotAvailable)
        }
    }
}

/// An id that was never given before, here or elsewhere.
async fn next_id(cx: &Cx) -> Result<i64, Failure> {
    // Held while a block is fetched: others want one from the same block.
    let mut block = cx.broker.producer_ids.lock().await;
    if let Some(id) = block.next() {
        return Ok(id);
    }
    let command = Command::AllocateProducerIds {
        broker: cx.broker.config.node_id,
        count: BLOCK,
    };
    match cx.broker.metadata.propose(command).await? {
        Reply::ProducerIds { first, count } => {
            *block = first..first.saturating_add(i64::from(count));
            block
                .next()
                .ok_or_else(|| Failure::new(ResponseError::UnknownServerError, "an empty block"))
        }
        other => Err(Failure::new(
            ResponseError::UnknownServerError,
            format!("not a block: {other:?}"),
        )),
    }
}
