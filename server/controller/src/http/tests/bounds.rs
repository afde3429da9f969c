//! Too many at once, and requests to names of others, on real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::http::serve;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that listens.
struct Listening {
    server: Server,
    address: std::net::SocketAddr,
    env: Env,
}

impl Listening {
    async fn start(bounds: Bounds) -> Self {
        let (server, env) = (Server::with(Vec::new(), bounds), Env::real());
        let listener = env.network.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, server.api.clone()));
        Self { server, address, env }
    }

    async fn send(&self, request: &str) -> tidemill_env::BoxStream {
        let mut stream = self.env.network.connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// A request on a connection of its own: all that is answered until the server closes.
    async fn ask(&self, path: &str, host: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        let mut stream = self.send(&request).await;
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        read.unwrap().unwrap();
        answer
    }

    /// Asks until the answer begins so.
    async fn ask_until(&self, path: &str, status: &str) -> String {
        let begun = tokio::time::Instant::now();
        loop {
            let answer = self.ask(path, "localhost").await;
            if answer.starts_with(status) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "never {status}: {answer}");
        }
    }
}

/// Reads the first bytes of an answer, and leaves the rest.
async fn status(stream: &mut tidemill_env::BoxStream) -> String {
    let mut first = [0; 12];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut first))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&first).into_owned()
}

const WATCH: &str = "GET /v1/topics?watch=true HTTP/1.1\r\nhost: localhost\r\n\r\n";
const HELD: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn watches_keep_no_request_out_and_are_bounded_by_themselves() {
    let listening = Listening::start(Bounds::new(1, 3, Vec::new())).await;
    let mut watches = Vec::new();
    // Three times as many as may make requests at once: each gives its place back.
    for _ in 0..3 {
        listening.ask_until("/healthz", "HTTP/1.1 200").await;
        loop {
            let mut stream = listening.send(WATCH).await;
            if status(&mut stream).await == "HTTP/1.1 200" {
                watches.push(stream);
                break;
            }
        }
    }
    listening.ask_until("/v1/topics", "HTTP/1.1 200").await;
    let refused = loop {
        let answer = listening.ask("/v1/topics?watch=true", "localhost").await;
        if answer.contains("http-max-watches") {
            break answer;
        }
    };
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: 10\r\n"), "{refused}");
    assert!(refused.contains("application/problem+json"), "{refused}");
    // A watch that ends makes room for another.
    drop(watches.pop());
    loop {
        let mut stream = listening.send(WATCH).await;
        if status(&mut stream).await == "HTTP/1.1 200" {
            break;
        }
    }
    listening.server.api.stop.cancel();
}

#[tokio::test]
async fn who_finds_no_place_is_told_and_later_finds_one() {
    let listening = Listening::start(Bounds::new(1, 1, Vec::new())).await;
    let mut held = listening.send(HELD).await;
    assert_eq!(status(&mut held).await, "HTTP/1.1 200");
    let told = listening.ask("/v1/topics", "localhost").await;
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    assert!(
        told.contains("retry-after: 1\r\n") && told.contains("http-max-connections"),
        "{told}"
    );
    let alive = listening.ask("/healthz", "localhost").await;
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
    drop(held);
    listening.ask_until("/v1/topics", "HTTP/1.1 200").await;
    listening.server.api.stop.cancel();
}

#[tokio::test]
async fn a_name_of_others_is_refused_and_the_mend_is_named() {
    let bounds = Bounds::new(8, 8, vec!["Tidemill.internal".to_owned()]);
    let listening = Listening::start(bounds).await;
    let refused = listening.ask("/v1/topics", "rebound.example").await;
    assert!(refused.starts_with("HTTP/1.1 421"), "{refused}");
    assert!(
        refused.contains("rebound.example") && refused.contains("http-allowed-hosts"),
        "{refused}"
    );
    for host in ["tidemill.internal:8092", "localhost", "127.0.0.1:1", "[::1]"] {
        let answer = listening.ask("/v1/topics", host).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    let health = listening.ask("/healthz", "probe.example").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let absolute =
        "GET http://rebound.example/v1/topics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut answer = String::new();
    listening
        .send(absolute)
        .await
        .read_to_string(&mut answer)
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    listening.server.api.stop.cancel();
}
