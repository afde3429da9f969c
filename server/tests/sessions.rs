//! Incremental fetch sessions (KIP-227).

mod support;

use support::{Client, FETCH, Node, fetch_request, records, topic, values};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::fetch_request::ForgottenTopic;
use tidemill_wire::kafka::messages::{FetchRequest, FetchResponse};

fn next(session: i32, epoch: i32) -> FetchRequest {
    fetch_request(&[])
        .with_session_id(session)
        .with_session_epoch(epoch)
        .with_max_wait_ms(1)
}

fn told(response: &FetchResponse) -> Vec<i32> {
    response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|p| p.partition_index)
        .collect()
}

async fn begin(client: &mut Client) -> i32 {
    client.create_topic("s", 3, &[]).await;
    let all = fetch_request(&[("s", 0, 0), ("s", 1, 0), ("s", 2, 0)])
        .with_session_epoch(0)
        .with_max_wait_ms(1);
    let first = client.call(FETCH, all).await;
    assert_eq!(told(&first), [0, 1, 2], "the first answer tells all");
    assert!(first.session_id > 0);
    first.session_id
}

#[tokio::test]
async fn only_what_changed_is_told() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let session = begin(&mut client).await;
    assert!(told(&client.call(FETCH, next(session, 1)).await).is_empty());
    client.produce("s", 1, records(&[b"x"]), -1).await;
    let response = client.call(FETCH, next(session, 2)).await;
    assert_eq!((told(&response), values(&response).len()), (vec![1], 1));
    // The client moves on in that partition and forgets another.
    let mut moved = fetch_request(&[("s", 1, 1)])
        .with_session_id(session)
        .with_session_epoch(3)
        .with_max_wait_ms(1);
    moved.forgotten_topics_data = vec![
        ForgottenTopic::default()
            .with_topic(topic("s"))
            .with_partitions(vec![2]),
    ];
    assert!(told(&client.call(FETCH, moved).await).is_empty());
    client.produce("s", 2, records(&[b"unheard"]), -1).await;
    client.produce("s", 0, records(&[b"heard"]), -1).await;
    assert_eq!(told(&client.call(FETCH, next(session, 4)).await), [0]);
}

#[tokio::test]
async fn lost_sessions_and_wrong_epochs_are_told() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let session = begin(&mut client).await;
    let wrong = client.call(FETCH, next(session, 5)).await;
    assert_eq!(wrong.error_code, ResponseError::InvalidFetchSessionEpoch.code());
    let unknown = client.call(FETCH, next(session.wrapping_add(1), 1)).await;
    assert_eq!(unknown.error_code, ResponseError::FetchSessionIdNotFound.code());
    client.call(FETCH, next(session, -1)).await;
    let closed = client.call(FETCH, next(session, 1)).await;
    assert_eq!(closed.error_code, ResponseError::FetchSessionIdNotFound.code());
}

#[tokio::test]
async fn a_full_partition_does_not_starve_the_others() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let session = begin(&mut client).await;
    for index in 0..3 {
        client.produce("s", index, records(&[&[1; 5_000]]), -1).await;
    }
    let mut served = Vec::new();
    for epoch in 1..=3 {
        // Room for one batch; the client never moves on.
        let response = client.call(FETCH, next(session, epoch).with_max_bytes(1)).await;
        let data = response.responses.iter().flat_map(|topic| &topic.partitions);
        let data = data.filter(|partition| {
            partition
                .records
                .as_ref()
                .is_some_and(|records| !records.is_empty())
        });
        served.extend(data.map(|partition| partition.partition_index));
    }
    served.sort_unstable();
    assert_eq!(served, [0, 1, 2]);
}
