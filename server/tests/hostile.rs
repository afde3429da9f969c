//! Peers that are broken or mean harm: they lose their connection, and the others notice nothing.

mod support;

use support::{Client, Node, records};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};
use tidemill_wire::kafka::protocol::Decodable;
use tokio::io::AsyncWriteExt;

/// A server that loses patience soon, and a client that does nothing wrong.
async fn node_and_good_client() -> (Node, Client) {
    let node = Node::start_with(|config| {
        config.request_read_timeout_ms = 100;
        config.max_request_bytes = 1 << 20;
    })
    .await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    (node, good)
}

async fn still_works(good: &mut Client) {
    assert_eq!(good.produce("good", 0, records(&[b"x"]), -1).await.error_code, 0);
}

#[tokio::test]
async fn what_is_no_request_closes_the_connection() {
    let (node, mut good) = node_and_good_client().await;
    let hostile: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0xff; 64],
        &[0x7f, 0xff, 0xff, 0xff, 1, 2, 3],
        &[0, 0, 0, 2, 0, 18],
        // An unknown API, an unknown version, and a Metadata request that ends in its first field.
        &[0, 0, 0, 8, 0x7f, 0, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 8, 0, 3, 0x7f, 0, 0, 0, 0, 1],
        &[0, 0, 0, 9, 0, 3, 0, 1, 0, 0, 0, 1, 0x7f],
    ];
    for bytes in hostile {
        let mut peer = node.client().await;
        peer.stream.write_all(bytes).await.unwrap();
        assert!(peer.is_closed().await, "{bytes:?}");
        still_works(&mut good).await;
    }
}

#[tokio::test]
async fn claimed_sizes_and_counts_cost_nothing() {
    let (node, mut good) = node_and_good_client().await;
    // A Metadata request that claims two thousand million topics.
    let mut lies = vec![0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff];
    lies.extend(i32::MAX.to_be_bytes());
    let mut peer = node.client().await;
    peer.stream.write_all(&lies).await.unwrap();
    assert!(peer.is_closed().await);
    still_works(&mut good).await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let (node, mut good) = node_and_good_client().await;
    let mut slow = node.client().await;
    // A megabyte is promised and four bytes come.
    slow.stream.write_all(&[0, 0x0f, 0, 0, 0, 3, 0, 1]).await.unwrap();
    still_works(&mut good).await;
    assert!(slow.is_closed().await);
    still_works(&mut good).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let node = Node::start_with(|config| config.idle_timeout_ms = 50).await;
    assert!(node.client().await.is_closed().await);
}

#[tokio::test]
async fn an_unknown_api_versions_version_is_told_what_is_known() {
    let (node, _good) = node_and_good_client().await;
    let mut client = node.client().await;
    client
        .stream
        .write_all(&[0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff])
        .await
        .unwrap();
    let mut answer = client.frame().await.unwrap();
    assert_eq!(&answer.split_to(4)[..], [0, 0, 0, 7]);
    let answer = ApiVersionsResponse::decode(&mut answer, 0).unwrap();
    assert_eq!(answer.error_code, ResponseError::UnsupportedVersion.code());
    assert!(!answer.api_keys.is_empty());
    // The client asks again, in a version that it was told.
    assert_eq!(client.call(4, ApiVersionsRequest::default()).await.error_code, 0);
}

#[tokio::test]
async fn too_many_connections_are_refused_and_places_come_back() {
    let node = Node::start_with(|config| config.max_connections_per_ip = 2).await;
    let mut first = node.client().await;
    let mut second = node.client().await;
    for client in [&mut first, &mut second] {
        client.call(1, MetadataRequest::default()).await;
    }
    assert!(node.client().await.is_closed().await);
    drop(first);
    // The server notices in its own time.
    let deadline = tokio::time::Instant::now() + support::SOON;
    loop {
        let mut again = node.client().await;
        again.send(1, &MetadataRequest::default()).await;
        if again.frame().await.is_ok() {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the place never came back"
        );
    }
}
