//! What a reader sees when something is wrong on the way, and that it loses nothing by it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{SOON, client, topic};
use tidemill_client::{Client, Consumer, ErrorKind, Objects, Record, Start};
use tidemill_server::{Server, ServerConfig};
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
    while let Ok(length) = from.read_u32().await {
        let mut frame = vec![0; length as usize];
        from.read_exact(&mut frame).await.unwrap();
        let place = frame.windows(MARK.len()).position(|bytes| bytes == MARK);
        let left = |times: u32| times.checked_sub(1);
        if let Some(at) = place
            && times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left)
                .is_ok()
        {
            frame[at] ^= 0xff;
        }
        if to.write_u32(length).await.is_err() || to.write_all(&frame).await.is_err() {
            return;
        }
    }
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
    // The first comes with good batches around it, the second alone.
    let times = Arc::new(AtomicU32::new(2));
    tokio::spawn(damage(listener, server.kafka_addr(), times));
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
    server.shutdown().await;
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
