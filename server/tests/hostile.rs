//! Peers that are broken or mean harm: they lose their connection, the log says why and what to do, and the others
//! notice nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::{Client, FETCH, Node, builder, fetch_request, logs, records, text};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::join_group_request::JoinGroupRequestProtocol;
use tidemill_wire::kafka::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use tidemill_wire::kafka::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FindCoordinatorRequest, GroupId, JoinGroupRequest,
    MetadataRequest, OffsetDeleteRequest,
};
use tidemill_wire::kafka::protocol::{Decodable, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

/// A server that loses patience soon, and a client that does nothing wrong.
async fn node_and_good_client() -> (Node, Client) {
    logs::keep();
    let node = Node::start_with(|config| {
        config.request_read_timeout_ms = 200;
        config.max_request_bytes = 2 << 20;
    })
    .await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    (node, good)
}

async fn still_works(good: &mut Client) {
    assert_eq!(good.produce("good", 0, records(&[b"x"]), -1).await.error_code, 0);
}

/// What the log says of a peer begins with its address.
fn name(client: &Client) -> String {
    format!("peer={} ", client.stream.local_addr().unwrap())
}

#[tokio::test]
async fn what_is_no_request_closes_the_connection_and_the_log_names_the_mend() {
    let (node, mut good) = node_and_good_client().await;
    let hostile: [(&[u8], &str); 9] = [
        (
            b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "speaks HTTP; point Kafka clients here without it",
        ),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "browsers at the HTTP port"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "speaks TLS"),
        (&[0xff; 64], "is this a Kafka client?"),
        (
            &[0x7f, 0xff, 0xff, 0xff, 1, 2, 3],
            "more than the limit of 2097152",
        ),
        (&[0, 0, 0, 2, 0, 18], "too short to be a request"),
        // An unknown API, an unknown version, and a Metadata request that ends in its first field.
        (
            &[0, 0, 0, 8, 0x7f, 0, 0, 0, 0, 0, 0, 1],
            "API 32512 is not served",
        ),
        (
            &[0, 0, 0, 8, 0, 3, 0x7f, 0, 0, 0, 0, 1],
            "Metadata version 32512 is not served",
        ),
        (&[0, 0, 0, 9, 0, 3, 0, 1, 0, 0, 0, 1, 0x7f], "cannot be decoded"),
    ];
    for (bytes, said) in hostile {
        let mut peer = node.client().await;
        peer.stream.write_all(bytes).await.unwrap();
        assert!(peer.is_closed().await, "{bytes:?}");
        logs::line(&[&name(&peer), "WARN", said]).await;
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
    logs::line(&[&name(&peer), "more elements than there are bytes"]).await;
    still_works(&mut good).await;
}

#[tokio::test]
async fn a_group_member_that_lies_about_its_subscription_costs_nothing() {
    let (node, mut good) = node_and_good_client().await;
    let mut liar = node.client().await;
    // Version 1, and two thousand million topics.
    let metadata = [&[0, 1][..], &i32::MAX.to_be_bytes()].concat();
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(metadata.into());
    let join = JoinGroupRequest::default()
        .with_group_id(GroupId(text("liars")))
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    // The topic that groups are kept in is made when a coordinator is first asked for.
    let deadline = tokio::time::Instant::now() + support::SOON;
    loop {
        let find = FindCoordinatorRequest::default().with_key(text("liars"));
        let found = liar.call(1, find).await.error_code == 0;
        let joined = liar.call(3, join.clone()).await;
        if found && joined.error_code == 0 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{joined:?}");
    }
    // What the members subscribe to decides whether an offset may go.
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(support::topic("good"))
        .with_partitions(vec![partition]);
    let delete = OffsetDeleteRequest::default()
        .with_group_id(GroupId(text("liars")))
        .with_topics(vec![topic]);
    assert_eq!(good.call(0, delete).await.error_code, 0);
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
    logs::line(&[&name(&slow), "begun and not finished within 200ms"]).await;
    still_works(&mut good).await;
}

#[tokio::test]
async fn a_request_that_trickles_in_is_cut_off() {
    let (node, mut good) = node_and_good_client().await;
    let slow = node.client().await;
    let named = name(&slow);
    let (mut read, mut write) = slow.stream.into_split();
    // Each byte comes long before patience ends; together they take for ever.
    let trickle = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        let mut bytes = [0, 0x0f, 0, 0].into_iter().chain(std::iter::repeat(0));
        loop {
            pace.tick().await;
            if write.write_all(&[bytes.next().unwrap()]).await.is_err() {
                return;
            }
        }
    });
    let mut byte = [0];
    let closed = tokio::time::timeout(support::SOON, read.read(&mut byte)).await;
    assert!(matches!(closed.expect("closed in time"), Ok(0) | Err(_)));
    logs::line(&[&named, "begun and not finished within 200ms"]).await;
    still_works(&mut good).await;
    trickle.abort();
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let node = Node::start_with(|config| config.idle_timeout_ms = 50).await;
    assert!(node.client().await.is_closed().await);
}

#[tokio::test]
async fn a_peer_that_closes_its_half_is_let_go() {
    let (node, mut good) = node_and_good_client().await;
    for begun in [&[][..], &[0, 0, 0, 9], &[0, 0, 0, 9, 0, 3]] {
        let mut half = node.client().await;
        half.call(1, MetadataRequest::default()).await;
        half.stream.write_all(begun).await.unwrap();
        half.stream.shutdown().await.unwrap();
        assert!(half.is_closed().await, "after {begun:?}");
        still_works(&mut good).await;
    }
}

/// More than any socket buffers.
const LARGE: usize = 24;

/// Fills a topic with [`LARGE`] records of a megabyte each.
async fn fill(good: &mut Client, policy: &str) {
    let settings = [("max.message.bytes", "2000000"), ("cleanup.policy", policy)];
    good.create_topic("large", 1, &settings).await;
    let value = vec![7; 1_000_000];
    for _ in 0..LARGE {
        let stored = good.produce("large", 0, records(&[&value]), -1).await;
        assert_eq!(stored.error_code, 0);
    }
}

fn fetch_all() -> tidemill_wire::kafka::messages::FetchRequest {
    let mut request = fetch_request(&[("large", 0, 0)]);
    request.topics[0].partitions[0].partition_max_bytes = 50 << 20;
    request
}

#[tokio::test]
async fn a_peer_that_never_reads_is_closed() {
    let (node, mut good) = node_and_good_client().await;
    fill(&mut good, "delete").await;
    let mut deaf = node.client().await;
    let named = name(&deaf);
    // Far more than is answered before the first answer has gone out.
    for _ in 0..1000 {
        if deaf.stream.write_all(&frame_of(fetch_all())).await.is_err() {
            break;
        }
    }
    still_works(&mut good).await;
    logs::line(&[&named, "the peer does not take its responses"]).await;
    still_works(&mut good).await;
}

fn frame_of(request: tidemill_wire::kafka::messages::FetchRequest) -> bytes::Bytes {
    tidemill_wire::api::encode_request(FETCH, 1, "deaf", &request).unwrap()
}

#[tokio::test]
async fn where_too_much_waits_the_deaf_go_at_once_and_readers_stay() {
    logs::keep();
    let node = Node::start_with(|config| config.response_memory_bytes = 1).await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    // A compacted topic's records are read to be sent; those of others wait in their files and count nothing.
    fill(&mut good, "compact").await;
    let mut deaf = node.client().await;
    deaf.send(FETCH, &fetch_all()).await;
    let mut reader = node.client().await;
    let sent = reader.send(FETCH, &fetch_all()).await;
    // The patience with a request is a minute here; that with two deaf peers of which one waits for the other is not.
    logs::line(&["see response-memory-bytes"]).await;
    still_works(&mut good).await;
    drop(deaf);
    // Whoever reads gets everything, crowd or not.
    let mut second = node.client().await;
    second.send(FETCH, &fetch_all()).await;
    let (_, response) = second
        .receive::<tidemill_wire::kafka::messages::FetchRequest>(FETCH)
        .await;
    assert_eq!(support::values(&response).len(), LARGE);
    drop((reader, sent));
}

#[tokio::test]
async fn a_peer_that_leaves_in_the_middle_of_an_answer_disturbs_nobody() {
    let (node, mut good) = node_and_good_client().await;
    fill(&mut good, "delete").await;
    let mut leaving = node.client().await;
    let named = name(&leaving);
    leaving.send(FETCH, &fetch_all()).await;
    let mut some = vec![0; 100_000];
    leaving.stream.read_exact(&mut some).await.unwrap();
    drop(leaving);
    logs::line(&[&named, "connection lost"]).await;
    still_works(&mut good).await;
    let all = good.call(FETCH, fetch_all()).await;
    assert_eq!(support::values(&all).len(), LARGE);
}

#[tokio::test]
async fn a_batch_that_unfolds_without_end_is_refused_for_good() {
    let node = Node::start().await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    let bomb = builder(Compression::Zstd, &[&vec![0; 130 << 20]]).build();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let refused = good.produce("good", 0, bomb, -1).await;
    // Not an error that clients answer by sending it again.
    assert_eq!(refused.error_code, ResponseError::InvalidRecord.code());
    let said = refused.error_message.unwrap_or_default();
    assert!(said.contains("more than the limit of 134217728 bytes"), "{said}");
    still_works(&mut good).await;
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
    let named = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("hostile"))
        .with_client_software_version(StrBytes::from_static_str("1.0"));
    assert_eq!(client.call(4, named).await.error_code, 0);
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

#[tokio::test]
async fn a_flood_of_connections_is_cut_by_address_and_in_all() {
    logs::keep();
    let node = Node::start_with(|config| {
        config.max_connections_per_ip = 100;
        config.max_connections = 150;
    })
    .await;
    let mut good = node.client().await;
    good.create_topic("good", 1, &[]).await;
    // One address has its hundred, the good client's among them.
    let (flood, refused) = flood([127, 0, 0, 1], node.running.kafka_addr(), 200).await;
    assert_eq!((flood.len(), refused), (99, 101));
    logs::line(&[
        "connection refused",
        "100 are open from 127.0.0.1",
        "max-connections-per-ip",
    ])
    .await;
    // Another gets what is left.
    let (more, refused) = self::flood([127, 0, 0, 2], node.running.kafka_addr(), 100).await;
    assert_eq!((more.len(), refused), (50, 50));
    still_works(&mut good).await;
    for mut client in flood.into_iter().chain(more) {
        client.call(1, MetadataRequest::default()).await;
    }
    still_works(&mut good).await;
}

/// Connects again and again from one address. Answers those that are served, and how many were not.
async fn flood(from: [u8; 4], to: SocketAddr, count: usize) -> (Vec<Client>, usize) {
    let (mut served, mut refused) = (Vec::new(), 0);
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let mut client = Client::over(socket.connect(to).await.unwrap());
        if client.try_send(1, &MetadataRequest::default()).await.is_ok() && client.frame().await.is_ok() {
            served.push(client);
        } else {
            refused += 1;
        }
    }
    (served, refused)
}
