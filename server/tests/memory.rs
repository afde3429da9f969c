//! Peers that make the server hold memory for them: the bounds hold, who is in the way goes, and the others stay.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod support;

use support::{Client, FETCH, Node, fetch_request, logs, records, text};
use tidemill_wire::kafka::messages::metadata_request::MetadataRequestTopic;
use tidemill_wire::kafka::messages::{MetadataRequest, TopicName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// All the memory for requests, and the largest request.
const MEMORY: usize = 1 << 20;

async fn node_and_good_client() -> (Node, Client) {
    logs::keep();
    let node = Node::start_with(|config| {
        config.max_request_bytes = MEMORY;
        config.request_memory_bytes = MEMORY;
    })
    .await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    (node, good)
}

async fn still_works(good: &mut Client) {
    assert_eq!(good.produce("good", 0, records(&[b"x"]), -1).await.error_code, 0);
}

/// A request that takes about half of the memory, on its way in.
async fn works_with_half_of_the_memory(good: &mut Client) {
    let value = vec![7; MEMORY / 2];
    let stored = good.produce("good", 0, records(&[&value]), -1).await;
    assert_eq!(stored.error_code, 0);
}

/// What the log says of a peer begins with its address.
fn name(client: &Client) -> String {
    format!("peer={} ", client.stream.local_addr().unwrap())
}

#[tokio::test]
async fn a_small_request_that_becomes_too_large_is_refused_before_it_does() {
    let (node, mut good) = node_and_good_client().await;
    let mut large = node.client().await;
    // Six bytes each on the wire.
    let topic = || MetadataRequestTopic::default().with_name(Some(TopicName(text("none"))));
    let topics: Vec<_> = std::iter::repeat_with(topic).take(20_000).collect();
    let request = MetadataRequest::default().with_topics(Some(topics));
    let frame = tidemill_wire::api::encode_request(1, 1, "large", &request).unwrap();
    assert!(frame.len() < MEMORY / 8, "{}", frame.len());
    large.stream.write_all(&frame).await.unwrap();
    assert!(large.is_closed().await);
    logs::line(&[
        &name(&large),
        "WARN",
        "once it is decoded",
        "request-memory-bytes",
    ])
    .await;
    still_works(&mut good).await;
}

#[tokio::test]
async fn who_holds_memory_and_sends_nothing_goes_when_others_need_it() {
    let (node, mut good) = node_and_good_client().await;
    let mut hog = node.client().await;
    let mut begun = i32::try_from(MEMORY).unwrap().to_be_bytes().to_vec();
    begun.resize(MEMORY * 3 / 4, 0);
    hog.stream.write_all(&begun).await.unwrap();
    still_works(&mut good).await;
    // The time for a request is a minute; the hog has not that long.
    works_with_half_of_the_memory(&mut good).await;
    assert!(hog.is_closed().await);
    logs::line(&[
        &name(&hog),
        "does not go on with its request",
        "request-memory-bytes",
    ])
    .await;
}

#[tokio::test]
async fn who_parks_a_large_request_goes_when_others_need_its_memory() {
    let (node, mut good) = node_and_good_client().await;
    let mut parked = node.client().await;
    // A long poll of ten minutes, at the end of the same partition again and again.
    let wanted = vec![("good", 0, 0); 3_000];
    let request = fetch_request(&wanted).with_max_wait_ms(600_000);
    parked.send(FETCH, &request).await;
    // Nobody is in need: it may wait, and small requests pass by it.
    let mut other = node.client().await;
    other.create_topic("other", 1, &[]).await;
    for _ in 0..100 {
        assert_eq!(
            other.produce("other", 0, records(&[b"x"]), -1).await.error_code,
            0
        );
    }
    let value = vec![7; MEMORY / 2];
    let stored = other.produce("other", 0, records(&[&value]), -1).await;
    assert_eq!(stored.error_code, 0);
    assert!(parked.is_closed().await);
    logs::line(&[&name(&parked), "waits for long", "request-memory-bytes"]).await;
    still_works(&mut good).await;
}

/// More than any socket buffers, in records of a megabyte.
const LARGE: usize = 24;

fn fetch_all() -> tidemill_wire::kafka::messages::FetchRequest {
    let mut request = fetch_request(&[("large", 0, 0)]);
    request.topics[0].partitions[0].partition_max_bytes = 50 << 20;
    request
}

#[tokio::test]
async fn who_takes_a_large_response_slowly_goes_when_others_wait_for_its_memory() {
    logs::keep();
    let node = Node::start_with(|config| config.response_memory_bytes = 16 << 20).await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    // Records of a compacted topic are read to be sent.
    let settings = [("max.message.bytes", "2000000"), ("cleanup.policy", "compact")];
    good.create_topic("large", 1, &settings).await;
    let value = vec![7; 1_000_000];
    for _ in 0..LARGE {
        assert_eq!(
            good.produce("large", 0, records(&[&value]), -1).await.error_code,
            0
        );
    }
    let mut slow = node.client().await;
    let slow_name = name(&slow);
    slow.send(FETCH, &fetch_all()).await;
    let mut byte = [0];
    slow.stream.read_exact(&mut byte).await.unwrap();
    // Faster than what is asked of a peer that keeps nobody waiting.
    let trickle = tokio::spawn(async move {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(20));
        let mut some = [0; 4096];
        while slow.stream.read_exact(&mut some).await.is_ok() {
            pace.tick().await;
        }
    });
    let mut deaf = node.client().await;
    deaf.send(FETCH, &fetch_all()).await;
    logs::line(&[
        &slow_name,
        "too slowly while others wait",
        "response-memory-bytes",
    ])
    .await;
    still_works(&mut good).await;
    let all = good.call(FETCH, fetch_all()).await;
    assert_eq!(support::values(&all).len(), LARGE, "who reads gets everything");
    trickle.abort();
}
