//! What the integration tests share: a server to talk to, and names of their own.
#![allow(dead_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tidemill_client::{Client, NewTopic};

/// Names another Kafka-compatible server to test against.
pub(crate) const BOOTSTRAP: &str = "TIDEMILL_TEST_BOOTSTRAP";
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) async fn client() -> Client {
    let bootstrap = std::env::var(BOOTSTRAP).expect("a server to test against");
    Client::connect(bootstrap).await.unwrap()
}

/// A name no other test, and no other run, uses.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    format!("{name}-{now:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Creates a topic for one test.
pub(crate) async fn topic(client: &Client, partitions: i32) -> String {
    let name = unique("client-test");
    client
        .topics()
        .create(NewTopic::new(&name).partitions(partitions).replication(1))
        .await
        .unwrap();
    name
}
