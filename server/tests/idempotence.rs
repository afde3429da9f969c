//! Idempotent producers: nothing twice, nothing out of order, also across a restart.

mod support;

use bytes::Bytes;
use support::{Client, Node, builder};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{InitProducerIdRequest, TransactionalId};

async fn producer_id(client: &mut Client) -> i64 {
    let response = client
        .call(4, InitProducerIdRequest::default().with_transactional_id(None))
        .await;
    assert_eq!(response.error_code, 0);
    response.producer_id.0
}

fn numbered(id: i64, epoch: i16, sequence: i32) -> Bytes {
    builder(Compression::None, &[b"a", b"b"])
        .with_producer(id, epoch, sequence)
        .build()
}

#[tokio::test]
async fn a_batch_sent_again_keeps_its_first_offset_also_after_a_restart() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("once", 1, &[]).await;
    let id = producer_id(&mut client).await;
    assert_eq!(
        client
            .produce("once", 0, numbered(id, 0, 0), -1)
            .await
            .base_offset,
        0
    );
    assert_eq!(
        client
            .produce("once", 0, numbered(id, 0, 2), -1)
            .await
            .base_offset,
        2
    );
    let again = client.produce("once", 0, numbered(id, 0, 0), -1).await;
    assert_eq!((again.error_code, again.base_offset), (0, 0));
    let node = node.restart().await;
    let mut client = node.client().await;
    let again = client.produce("once", 0, numbered(id, 0, 2), -1).await;
    assert_eq!((again.error_code, again.base_offset), (0, 2));
    assert_eq!(
        client
            .produce("once", 0, numbered(id, 0, 4), -1)
            .await
            .base_offset,
        4
    );
    assert_eq!(client.fetch("once", 0, 0).await.len(), 6);
}

#[tokio::test]
async fn a_gap_and_an_old_epoch_are_refused() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("order", 1, &[]).await;
    let id = producer_id(&mut client).await;
    client.produce("order", 0, numbered(id, 1, 0), -1).await;
    let gap = client.produce("order", 0, numbered(id, 1, 7), -1).await;
    assert_eq!(gap.error_code, ResponseError::OutOfOrderSequenceNumber.code());
    let old = client.produce("order", 0, numbered(id, 0, 2), -1).await;
    assert_eq!(old.error_code, ResponseError::InvalidProducerEpoch.code());
    assert_eq!(
        client
            .produce("order", 0, numbered(id, 1, 2), -1)
            .await
            .base_offset,
        2
    );
}

#[tokio::test]
async fn an_id_is_given_once_also_across_restarts() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(producer_id(&mut client).await);
    }
    let node = node.restart().await;
    ids.push(producer_id(&mut node.client().await).await);
    let given = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), given);
}

#[tokio::test]
async fn a_transactional_id_is_refused() {
    let node = Node::start().await;
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(support::text("t"))))
        .with_transaction_timeout_ms(1_000);
    let response = node.client().await.call(4, request).await;
    assert_eq!(
        response.error_code,
        ResponseError::TransactionalIdAuthorizationFailed.code()
    );
}
