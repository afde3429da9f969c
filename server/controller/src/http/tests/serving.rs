//! Real sockets: an orderly end, and peers that misbehave.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::http::serve;

async fn answer_to(env: &Env, address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = env.network.connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn serves_until_stopped_and_ends_watches_and_idle_connections() {
    let server = Server::start();
    let env = Env::real();
    let listener = env.network.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, server.api.clone()));

    let health = answer_to(
        &env,
        address,
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"),
        "{health}"
    );
    // A Kafka client that took the wrong port, and a head that never ends.
    let stray = answer_to(&env, address, b"\x00\x00\x00\x10\x00\x12\x00\x03garbage").await;
    assert!(stray.is_empty() || stray.starts_with("HTTP/1.1 400"), "{stray}");
    let mut endless = b"GET / HTTP/1.1\r\nx: ".to_vec();
    endless.resize(256 * 1024, b'x');
    let mut stream = env.network.connect(address).await.unwrap();
    // The server may close while this is still being written.
    let _ = stream.write_all(&endless).await;
    let mut refused = Vec::new();
    let _ = stream.read_to_end(&mut refused).await;
    assert!(!refused.starts_with(b"HTTP/1.1 200"));

    let mut watching = env.network.connect(address).await.unwrap();
    watching
        .write_all(b"GET /v1/topics?watch=true HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    watching.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let mut idle = env.network.connect(address).await.unwrap();
    server.api.stop.cancel();
    tokio::time::timeout(Duration::from_secs(30), serving)
        .await
        .unwrap()
        .unwrap();
    let mut rest = Vec::new();
    watching.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream of events ends properly");
    assert_eq!(idle.read(&mut first).await.unwrap_or(0), 0);
    assert!(
        env.network.connect(address).await.is_err(),
        "nothing listens any more"
    );
}
