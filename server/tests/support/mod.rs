//! A server in this process, and a client that speaks raw frames to it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

pub mod groups;
pub mod http;
pub mod logs;
pub mod wasm;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tidemill_env::Env;
use tidemill_server::{Running, Server, ServerConfig};
use tidemill_wire::api::{decode_response, encode_request};
use tidemill_wire::batch::{self, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;
use tidemill_wire::kafka::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use tidemill_wire::kafka::messages::fetch_request::{FetchPartition, FetchTopic};
use tidemill_wire::kafka::messages::produce_request::{PartitionProduceData, TopicProduceData};
use tidemill_wire::kafka::messages::produce_response::PartitionProduceResponse;
use tidemill_wire::kafka::messages::{
    CreateTopicsRequest, FetchRequest, FetchResponse, ProduceRequest, TopicName,
};
use tidemill_wire::kafka::protocol::{Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

/// Far more than anything takes: a test that waits for it fails.
pub const SOON: Duration = Duration::from_secs(30);
/// Version of Fetch that the tests speak: it still names topics.
pub const FETCH: i16 = 12;

pub struct Node {
    pub running: Running,
    pub dir: TempDir,
    config: ServerConfig,
    env: Env,
}

impl Node {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start_in(Env::real(), change).await
    }

    pub async fn start_in(env: Env, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = settings(dir.path());
        change(&mut config);
        let running = Server::start_in(env.clone(), config.clone()).await.unwrap();
        Self {
            running,
            dir,
            config,
            env,
        }
    }

    /// Stops it and starts it again on the same data.
    pub async fn restart(self) -> Self {
        self.restart_after(|| {}).await
    }

    /// Stops it, does something to its data, and starts it again.
    pub async fn restart_after(self, between: impl FnOnce()) -> Self {
        let Self {
            running,
            dir,
            config,
            env,
        } = self;
        running.shutdown().await;
        between();
        Self::again(dir, config, env).await
    }

    /// Starts another one on what the disk holds at this moment, as after a kill: nothing was closed or
    /// saved for the end.
    pub async fn kill(self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = self.config;
        let left = std::mem::replace(&mut config.data_dir, dir.path().join("data"));
        copy(&left, &config.data_dir);
        self.running.shutdown().await;
        Self::again(dir, config, self.env).await
    }

    async fn again(dir: TempDir, config: ServerConfig, env: Env) -> Self {
        let running = Server::start_in(env.clone(), config.clone()).await.unwrap();
        Self {
            running,
            dir,
            config,
            env,
        }
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.running.kafka_addr()).await
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.unwrap().path(), to.to_owned());
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            std::fs::copy(&entry, &to).unwrap();
        }
    }
}

pub fn settings(dir: &Path) -> ServerConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    ServerConfig {
        data_dir: dir.join("data"),
        kafka: any,
        http: any,
        ..ServerConfig::default()
    }
}

pub struct Client {
    pub stream: TcpStream,
    next: i32,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, next: 0 }
    }

    /// Sends a request without waiting for its answer.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.try_send(version, request).await.unwrap()
    }

    /// As [`Self::send`], to a server that may have closed the connection.
    pub async fn try_send<R: Request>(&mut self, version: i16, request: &R) -> std::io::Result<i32> {
        self.next += 1;
        let frame = encode_request(version, self.next, "test", request).unwrap();
        self.stream.write_all(&frame).await?;
        Ok(self.next)
    }

    pub async fn frame(&mut self) -> std::io::Result<Bytes> {
        let read = async {
            let length = self.stream.read_i32().await?;
            let mut frame = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut frame).await?;
            Ok(Bytes::from(frame))
        };
        tokio::time::timeout(SOON, read).await.expect("an answer in time")
    }

    pub async fn receive<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let frame = self.frame().await.unwrap();
        decode_response::<R>(version, frame).unwrap()
    }

    pub async fn call<R: Request>(&mut self, version: i16, request: R) -> R::Response {
        let sent = self.send(version, &request).await;
        let (correlation, response) = self.receive::<R>(version).await;
        assert_eq!(correlation, sent, "answers come in the order of requests");
        response
    }

    /// Whether the server closes this connection.
    pub async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(SOON, self.stream.read(&mut byte)).await;
        matches!(read.expect("closed in time"), Ok(0) | Err(_))
    }

    pub async fn create_topic(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Uuid {
        let configs = configs.iter().map(|(key, value)| {
            CreatableTopicConfig::default()
                .with_name(text(key))
                .with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(topic(name))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(30_000);
        let response = self.call(7, request).await;
        let result = &response.topics[0];
        assert_eq!(result.error_code, 0, "{:?}", result.error_message);
        result.topic_id
    }

    pub async fn produce(
        &mut self,
        name: &str,
        index: i32,
        records: Bytes,
        acks: i16,
    ) -> PartitionProduceResponse {
        let response = self.call(9, produce_request(name, index, records, acks)).await;
        response.responses[0].partition_responses[0].clone()
    }

    /// Values that a fetch from `offset` finds, with their offsets, once there is a byte.
    pub async fn fetch(&mut self, name: &str, index: i32, offset: i64) -> Vec<(i64, Vec<u8>)> {
        let request = fetch_request(&[(name, index, offset)]).with_max_wait_ms(20_000);
        let response = self.call(FETCH, request).await;
        let partition = &response.responses[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        values(&response)
            .into_iter()
            .filter(|(at, _)| *at >= offset)
            .collect()
    }
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

pub fn produce_request(name: &str, index: i32, records: Bytes, acks: i16) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(index)
        .with_records(Some(records));
    let data = TopicProduceData::default()
        .with_name(topic(name))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![data])
}

/// A fetch of one byte or more, outside any session.
pub fn fetch_request(wanted: &[(&str, i32, i64)]) -> FetchRequest {
    let topics = wanted.iter().map(|(name, index, offset)| {
        let partition = FetchPartition::default()
            .with_partition(*index)
            .with_fetch_offset(*offset)
            .with_current_leader_epoch(-1)
            .with_partition_max_bytes(1 << 20);
        FetchTopic::default()
            .with_topic(topic(name))
            .with_partitions(vec![partition])
    });
    FetchRequest::default()
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_session_epoch(-1)
        .with_topics(topics.collect())
}

/// Every record of a response: offset and value.
pub fn values(response: &FetchResponse) -> Vec<(i64, Vec<u8>)> {
    let mut values = Vec::new();
    for partition in response.responses.iter().flat_map(|topic| &topic.partitions) {
        for found in batch::split(partition.records.clone().unwrap_or_default()) {
            let found = found.unwrap();
            found.verify_crc().unwrap();
            let records = found.records(usize::MAX).unwrap();
            for record in records.iter() {
                let record = record.unwrap();
                values.push((record.offset, record.value.unwrap_or_default().to_vec()));
            }
        }
    }
    values
}

pub fn builder(compression: Compression, values: &[&[u8]]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(compression);
    for value in values {
        builder.append(&RecordData {
            timestamp: 1_700_000_000_000,
            key: Some(b"k"),
            value: Some(value),
            headers: &[],
        });
    }
    builder
}

pub fn records(values: &[&[u8]]) -> Bytes {
    builder(Compression::None, values).build()
}
