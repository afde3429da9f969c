//! What a reader sees when something is wrong on the way, and that it loses nothing by it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{SOON, client, topic};
use tempfile::TempDir;
use tidemill_client::{Client, Consumer, ErrorKind, Objects, Record, Start};
use tidemill_server::{Running, Server, ServerConfig};
use tidemill_wire::kafka::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use tidemill_wire::kafka::messages::{
    OffsetCommitRequest, OffsetCommitResponse, RequestHeader, ResponseHeader,
};
use tidemill_wire::kafka::protocol::{Decodable, Encodable, HeaderVersion, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What the wire damages: responses that hold these bytes.
const MARK: &[u8] = b"damage me";

/// Passes on what a client says as it is, and damages marked answers while `times` lasts.
async fn damage(listener: TcpListener, server: SocketAddr, times: Arc<AtomicU32>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        tokio::spawn(pass_back(from_server, to_client, Arc::clone(&times)));
    }
}

async fn pass_back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, times: Arc<AtomicU32>) {
    while let Ok(mut frame) = read_frame(&mut from).await {
        let place = frame.windows(MARK.len()).position(|bytes| bytes == MARK);
        let left = |times: u32| times.checked_sub(1);
        if let Some(at) = place
            && times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left)
                .is_ok()
        {
            frame[at] ^= 0xff;
        }
        write_frame(&mut to, &frame).await;
    }
}

/// A server whose clients are told to connect to the listener that is answered, and the address of that.
async fn server_behind() -> ((Running, TempDir), TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        data_dir: dir.path().to_owned(),
        kafka: ([127, 0, 0, 1], 0).into(),
        http: ([127, 0, 0, 1], 0).into(),
        advertise: Some(address.clone()),
        ..ServerConfig::default()
    };
    let server = Server::start(config).await.unwrap();
    ((server, dir), listener, address)
}

/// Sends each value in a batch of its own.
async fn produce(client: &Client, topic: &str, partition: i32, values: &[&[u8]]) {
    let producer = client.producer().build().await.unwrap();
    for value in values {
        let record = Record::to(topic).partition(partition).value(value);
        producer.send(record).await.unwrap();
    }
    producer.close(SOON).await.unwrap();
}

/// Offsets and values of the next records, at most `most`.
async fn next(consumer: &mut Consumer, most: usize) -> tidemill_client::Result<Vec<(i64, Vec<u8>)>> {
    let records = consumer.next_batch(most, SOON).await?;
    let own = |record: tidemill_client::Result<tidemill_client::OwnedRecord>| {
        let record = record.unwrap();
        (record.offset, record.value.unwrap().to_vec())
    };
    Ok(records.owned().map(own).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_damaged_on_the_way_is_told_and_nothing_around_it_is_skipped() {
    let (server, listener, address) = server_behind().await;
    // The first comes with good batches around it, the second alone.
    let times = Arc::new(AtomicU32::new(2));
    tokio::spawn(damage(listener, server.0.kafka_addr(), times));
    let client = Client::connect(address).await.unwrap();
    let topic = topic(&client, 1).await;
    produce(&client, &topic, 0, &[b"before", MARK, b"after"]).await;

    let builder = client.consumer().topic(&topic).start(Start::Earliest);
    let mut consumer = builder.build().await.unwrap();
    assert_eq!(next(&mut consumer, 100).await.unwrap(), [(0, b"before".to_vec())]);
    let error = next(&mut consumer, 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(consumer.positions()[0].offset, 1);
    let rest = [(1, MARK.to_vec()), (2, b"after".to_vec())];
    assert_eq!(next(&mut consumer, 100).await.unwrap(), rest);
    drop((consumer, client));
    server.0.shutdown().await;
}

/// The refusal of every partition of an OffsetCommit request (a frame without its length), as one that passes.
fn refuse_commit(frame: &[u8]) -> Vec<u8> {
    const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
    let version = i16::from_be_bytes([frame[2], frame[3]]);
    let mut body = Bytes::copy_from_slice(frame);
    let key = OffsetCommitRequest::KEY;
    let header = RequestHeader::decode(&mut body, OffsetCommitRequest::header_version(version)).unwrap();
    assert_eq!(header.request_api_key, key);
    let request = OffsetCommitRequest::decode(&mut body, version).unwrap();
    let topics = request.topics.into_iter().map(|topic| {
        let refused = |index: i32| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(index)
                .with_error_code(COORDINATOR_LOAD_IN_PROGRESS)
        };
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
        OffsetCommitResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.map(refused).collect())
    });
    let response = OffsetCommitResponse::default().with_topics(topics.collect());
    let mut answer = BytesMut::new();
    ResponseHeader::default()
        .with_correlation_id(header.correlation_id)
        .encode(&mut answer, OffsetCommitResponse::header_version(version))
        .unwrap();
    response.encode(&mut answer, version).unwrap();
    answer.to_vec()
}

/// Refuses every commit, and counts the heartbeats that come after the first one.
async fn refuse_commits(listener: TcpListener, server: SocketAddr, beats: Arc<AtomicU32>) {
    const HEARTBEAT: [u8; 2] = [0, 12];
    const OFFSET_COMMIT: [u8; 2] = [0, 8];
    let refused = Arc::new(AtomicU32::new(0));
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (mut from_client, to_client) = client.into_split();
        let to_client = Arc::new(tokio::sync::Mutex::new(to_client));
        let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
        let answers = Arc::clone(&to_client);
        tokio::spawn(async move {
            while let Ok(frame) = read_frame(&mut from_server).await {
                write_frame(&mut *answers.lock().await, &frame).await;
            }
        });
        let (beats, refused) = (Arc::clone(&beats), Arc::clone(&refused));
        tokio::spawn(async move {
            while let Ok(frame) = read_frame(&mut from_client).await {
                if frame.starts_with(&OFFSET_COMMIT) {
                    refused.fetch_add(1, Ordering::SeqCst);
                    write_frame(&mut *to_client.lock().await, &refuse_commit(&frame)).await;
                    continue;
                }
                if frame.starts_with(&HEARTBEAT) && refused.load(Ordering::SeqCst) > 0 {
                    beats.fetch_add(1, Ordering::SeqCst);
                }
                write_frame(&mut to_server, &frame).await;
            }
        });
    }
}

async fn read_frame(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; from.read_u32().await? as usize];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

/// Whoever is no longer there needs no frame.
async fn write_frame(to: &mut OwnedWriteHalf, frame: &[u8]) {
    let _ = to.write_u32(u32::try_from(frame.len()).unwrap()).await;
    let _ = to.write_all(frame).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_must_be_tried_again_does_not_hold_up_the_heartbeats() {
    let (server, listener, address) = server_behind().await;
    let beats = Arc::new(AtomicU32::new(0));
    tokio::spawn(refuse_commits(
        listener,
        server.0.kafka_addr(),
        Arc::clone(&beats),
    ));
    let client = Client::connect(address).await.unwrap();
    let topic = topic(&client, 1).await;
    produce(&client, &topic, 0, &[b"one"]).await;
    let member = client
        .group("readers")
        .topic(&topic)
        .start(Start::Earliest)
        .session_timeout(Duration::from_secs(6))
        .auto_commit(Some(Duration::from_millis(10)));
    let mut member = member.build().await.unwrap();
    assert!(!member.next_batch(1, SOON).await.unwrap().is_empty());
    let beating = async {
        while beats.load(Ordering::SeqCst) < 5 {
            member.next_batch(1, Duration::from_millis(50)).await.unwrap();
        }
    };
    tokio::time::timeout(SOON * 2, beating)
        .await
        .expect("heartbeats go on");
    assert_eq!(member.assignment().len(), 1);
    let _ = member.abandon(Duration::from_millis(100)).await;
    drop(client);
    server.0.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_does_not_keep_others_from_being_read() {
    let client = client().await;
    let topic = topic(&client, 2).await;
    produce(&client, &topic, 0, &[b"first", b"second"]).await;
    let builder = client.consumer().topic(&topic).start(Start::Earliest);
    let mut consumer = builder.prefetch_bytes(1).build().await.unwrap();
    assert_eq!(next(&mut consumer, 1).await.unwrap(), [(0, b"first".to_vec())]);
    // The second is at hand, and more than may be fetched ahead.
    consumer.pause(&topic, 0).unwrap();
    produce(&client, &topic, 1, &[b"other"]).await;
    assert_eq!(next(&mut consumer, 1).await.unwrap(), [(0, b"other".to_vec())]);
    consumer.resume(&topic, 0).unwrap();
    assert_eq!(next(&mut consumer, 1).await.unwrap(), [(1, b"second".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_that_its_topic_is_gone() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    produce(&client, &topic, 0, &[b"only"]).await;
    let builder = client.consumer().topic(&topic).start(Start::Earliest);
    let mut consumer = builder.build().await.unwrap();
    assert_eq!(next(&mut consumer, 1).await.unwrap().len(), 1);
    client.topics().delete(&topic).await.unwrap();
    let error = next(&mut consumer, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("gone"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn for_ever_is_a_timeout_like_any_other() {
    let listener = client().await;
    let builder = Client::builder(listener.bootstrap()).retry_timeout(Duration::MAX);
    let client = builder.request_timeout(Duration::MAX).build().await.unwrap();
    let topic = topic(&client, 1).await;
    produce(&client, &topic, 0, &[b"one"]).await;
    let builder = client.consumer().topic(&topic).start(Start::Earliest);
    let mut consumer = builder.build().await.unwrap();
    assert_eq!(
        consumer.next_batch(1, Duration::MAX).await.unwrap().partition(),
        0
    );
    let group = client.group(common::unique("for-ever")).topic(&topic);
    let group = group
        .start(Start::Earliest)
        .rebalance_timeout(Duration::MAX)
        .auto_commit(Some(Duration::MAX));
    let mut member = group.build().await.unwrap();
    assert_eq!(member.next_batch(1, Duration::MAX).await.unwrap().partition(), 0);
    member.close(Duration::MAX).await.unwrap();
}

#[tokio::test]
async fn a_control_plane_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let objects = Objects::new(&url)
        .unwrap()
        .request_timeout(Duration::from_millis(100));
    let error = objects.get("topics", "orders").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("within 100ms"), "{error}");
}
