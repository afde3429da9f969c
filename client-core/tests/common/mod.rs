//! What the integration tests share: a server to talk to, and names of their own.
#![allow(dead_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tidemill_client::{Client, NewTopic};
use tidemill_server::{Server, ServerConfig};

/// Names another Kafka-compatible server to test against.
pub(crate) const BOOTSTRAP: &str = "TIDEMILL_TEST_BOOTSTRAP";
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) async fn client() -> Client {
    let named = std::env::var(BOOTSTRAP).ok();
    let bootstrap = named.unwrap_or_else(|| SERVER.get_or_init(start_server).clone());
    Client::connect(bootstrap).await.unwrap()
}

/// The real server, in this process, on a runtime of its own that outlives each test's.
static SERVER: std::sync::OnceLock<String> = std::sync::OnceLock::new();

fn start_server() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let dir = tempfile::tempdir().unwrap();
        let config = ServerConfig {
            data_dir: dir.path().join("data"),
            kafka: ([127, 0, 0, 1], 0).into(),
            http: ([127, 0, 0, 1], 0).into(),
            ..ServerConfig::default()
        };
        tokio::runtime::Runtime::new().unwrap().block_on(async move {
            let running = Server::start(config).await.unwrap();
            tell.send(running.kafka_addr().to_string()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
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
