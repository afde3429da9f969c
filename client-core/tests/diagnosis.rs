//! What a client says when the other side is not what it should be.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use tidemill_client::{Client, Error, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Connects to a server that answers anything with `answer` and closes.
async fn connect_to(answer: &'static [u8]) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    Client::builder(address.to_string())
        .connect_timeout(Duration::from_secs(5))
        .build()
        .await
        .err()
        .unwrap()
}

#[tokio::test]
async fn wrong_servers_are_recognised() {
    let error = connect_to(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert!(error.to_string().contains("HTTP server"), "{error}");
    let error = connect_to(b"\x15\x03\x03\x00\x02\x02\x46").await;
    assert!(error.to_string().contains("TLS"), "{error}");
    let error = connect_to(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    assert!(error.to_string().contains("SSH"), "{error}");
    let error = connect_to(b"").await;
    assert!(
        error
            .to_string()
            .contains("closed the connection without an answer"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_claims_more_than_it_holds_is_an_error_not_memory() {
    // ApiVersions, version 3: no error, and four thousand million APIs.
    let error = connect_to(b"\0\0\0\x0b\0\0\0\0\0\0\xff\xff\xff\xff\x0f").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("more elements"), "{error}");
    // A header whose tagged fields go on for ever is as wrong.
    let error = connect_to(b"\0\0\0\x07\0\0\0\0\0\0\x03").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_port_nobody_listens_on_names_the_mend() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Client::connect(address.to_string()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("tidemill serve"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let builder = Client::builder(address.to_string()).connect_timeout(Duration::from_millis(100));
    let error = builder.build().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}
