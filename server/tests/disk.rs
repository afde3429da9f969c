//! A disk that fails or is full, under a whole server: what producers are told, what stays readable, and
//! that only the log that failed stops.

#![allow(clippy::unwrap_used, reason = "tests may stop at errors")]

mod support;

use std::sync::Arc;

use support::{Client, Node, records};
use tidemill_env::sim::{Fault, Faults, FaultyDisk, Op};
use tidemill_env::{Env, RealDisk};
use tidemill_wire::kafka::error::ResponseError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The machine, with a disk that `faults` steers.
fn env(faults: &Arc<Faults>) -> Env {
    Env {
        disk: Arc::new(FaultyDisk::new(Arc::new(RealDisk), Arc::clone(faults))),
        ..Env::real()
    }
}

/// The value of a metric, 0 when it is not there.
async fn metric(node: &Node, name: &str) -> f64 {
    let mut stream = TcpStream::connect(node.running.http_addr()).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let line = page.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next())
        .map_or(0.0, |value| value.parse().unwrap())
}

async fn produced(client: &mut Client, topic: &str, index: i32, value: &[u8]) -> Result<i64, (i16, String)> {
    let answer = client.produce(topic, index, records(&[value]), -1).await;
    match answer.error_code {
        0 => Ok(answer.base_offset),
        code => Err((
            code,
            answer
                .error_message
                .map(|text| text.to_string())
                .unwrap_or_default(),
        )),
    }
}

#[tokio::test]
async fn a_disk_error_ends_one_partition_until_a_restart_and_no_other() {
    let faults = Arc::new(Faults::default());
    let node = Node::start_in(env(&faults), |_| {}).await;
    let mut client = node.client().await;
    let id = client.create_topic("struck", 2, &[]).await;
    client.create_topic("spared", 1, &[]).await;
    assert_eq!(produced(&mut client, "struck", 0, b"kept").await, Ok(0));
    faults.fail_where(Op::Sync, &format!("{id}/0/"), Fault::Io);
    for _ in 0..2 {
        let (code, message) = produced(&mut client, "struck", 0, b"lost").await.unwrap_err();
        assert_eq!(code, ResponseError::KafkaStorageError.code(), "{message}");
        assert!(message.contains(&id.to_string()), "which log: {message}");
        assert!(message.contains("restart the server"), "the mend: {message}");
    }
    assert_eq!(metric(&node, "tidemill_log_failures_total").await, 1.0);
    // The disk works again, but what it did with the bytes of the failed sync is unknown.
    faults.fail_where(Op::Sync, "nothing", Fault::Io);
    let (code, _) = produced(&mut client, "struck", 0, b"lost").await.unwrap_err();
    assert_eq!(code, ResponseError::KafkaStorageError.code());
    // What was acknowledged stays readable, and all other logs work on.
    assert_eq!(client.fetch("struck", 0, 0).await, [(0, b"kept".to_vec())]);
    assert_eq!(produced(&mut client, "struck", 1, b"a").await, Ok(0));
    assert_eq!(produced(&mut client, "spared", 0, b"b").await, Ok(0));

    let node = node.restart().await;
    let mut client = node.client().await;
    let next = produced(&mut client, "struck", 0, b"again").await.unwrap();
    let found = client.fetch("struck", 0, 0).await;
    assert_eq!(found.first(), Some(&(0, b"kept".to_vec())));
    assert_eq!(found.last(), Some(&(next, b"again".to_vec())));
    assert_eq!(client.fetch("struck", 1, 0).await, [(0, b"a".to_vec())]);
}

#[tokio::test]
async fn a_full_disk_refuses_records_and_keeps_those_it_acknowledged() {
    let faults = Arc::new(Faults::default());
    let node = Node::start_in(env(&faults), |_| {}).await;
    let mut client = node.client().await;
    client.create_topic("large", 1, &[]).await;
    client.create_topic("idle", 1, &[]).await;
    faults.set_room(Some(100_000));
    let mut acknowledged = 0;
    let (code, message) = loop {
        match produced(&mut client, "large", 0, &[7; 3_000]).await {
            Ok(offset) => {
                assert_eq!(offset, acknowledged);
                acknowledged += 1;
            }
            Err(refused) => break refused,
        }
    };
    assert!((20..40).contains(&acknowledged), "{acknowledged}");
    assert_eq!(code, ResponseError::KafkaStorageError.code());
    assert!(
        message.contains("is full") && message.contains("free space"),
        "{message}"
    );
    assert_eq!(metric(&node, "tidemill_log_failures_total").await, 1.0);
    let (code, _) = produced(&mut client, "large", 0, b"small").await.unwrap_err();
    assert_eq!(
        code,
        ResponseError::KafkaStorageError.code(),
        "nothing is tried again"
    );
    assert_eq!(read_all(&mut client, acknowledged).await, acknowledged);

    // Space was freed, and the operator restarts the server as the message says.
    faults.set_room(None);
    let node = node.restart().await;
    let mut client = node.client().await;
    assert_eq!(read_all(&mut client, acknowledged).await, acknowledged);
    let next = produced(&mut client, "large", 0, b"on").await.unwrap();
    assert!(next >= acknowledged);
    assert_eq!(produced(&mut client, "idle", 0, b"on").await, Ok(0));
}

/// Reads the first `count` records of the large topic, which are all alike, in order.
async fn read_all(client: &mut Client, count: i64) -> i64 {
    let mut next = 0;
    while next < count {
        for (offset, value) in client.fetch("large", 0, next).await {
            assert_eq!(offset, next);
            assert!(offset >= count || value == [7; 3_000]);
            next += 1;
        }
    }
    next.min(count)
}
