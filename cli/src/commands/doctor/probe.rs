//! What speaks at a port that does not speak Kafka.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What was recognised.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// HTTP; and if it is Tidemill's control plane, where the Kafka port is.
    Http {
        kafka: Option<String>,
    },
    Tls,
    Unknown,
}

/// Says hello in each protocol, on a connection each.
pub(super) async fn what_speaks(address: &str, patience: Duration) -> Speaks {
    let http = b"GET / HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n";
    if exchange(address, http, patience).await.starts_with(b"HTTP/") {
        return Speaks::Http {
            kafka: kafka_port(address, patience).await,
        };
    }
    // An alert (0x15) is an answer in TLS as well as a handshake (0x16) is.
    match exchange(address, &client_hello(), patience).await.as_slice() {
        [0x15 | 0x16, 0x03, ..] => Speaks::Tls,
        _ => Speaks::Unknown,
    }
}

/// Sends, and answers the first bytes that come back; nothing if none do.
async fn exchange(address: &str, hello: &[u8], patience: Duration) -> Vec<u8> {
    let mut answer = vec![0; 64];
    let speaking = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(hello).await?;
        stream.read(&mut answer).await
    };
    let size = match timeout(patience, speaking).await {
        Ok(Ok(size)) => size,
        _ => 0,
    };
    answer.truncate(size);
    answer
}

/// The first flight of TLS 1.2 (RFC 5246, 7.4.1.2) with two common cipher suites and no extension: a server answers
/// it with its own hello or with an alert.
fn client_hello() -> Vec<u8> {
    let mut body = vec![0x03, 0x03];
    body.extend([0x5a; 32]); // random
    body.push(0); // session id
    body.extend([0x00, 0x04, 0xc0, 0x2f, 0x00, 0x9c]); // ECDHE-RSA and RSA with AES128-GCM-SHA256
    body.extend([0x01, 0x00]); // compression: none
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    let mut record = vec![0x16, 0x03, 0x01, 0x00, length + 4, 0x01, 0x00, 0x00, length];
    record.extend(body);
    record
}

/// Where the broker of a control plane listens for Kafka clients.
async fn kafka_port(address: &str, patience: Duration) -> Option<String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(patience)
        .build()
        .ok()?;
    let answer = client
        .get(format!("http://{address}/v1/brokers"))
        .send()
        .await
        .ok()?;
    let brokers: Value = answer.json().await.ok()?;
    let endpoints = brokers.pointer("/items/0/spec/endpoints")?.as_array()?;
    let kafka = endpoints.iter().find(|endpoint| endpoint["name"] == "kafka")?;
    Some(format!("{}:{}", kafka["host"].as_str()?, kafka["port"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::client_hello;

    #[test]
    fn the_lengths_of_the_hello_add_up() {
        let hello = client_hello();
        assert_eq!(usize::from(hello[4]), hello.len() - 5, "record");
        assert_eq!(usize::from(hello[8]), hello.len() - 9, "handshake");
    }
}
