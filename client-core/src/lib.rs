//! Tidemill's client: one library for programs in Rust, and the core under every other language's.
//!
//! It speaks the Kafka protocol to any Kafka-compatible broker, and HTTP to Tidemill's control plane for what Kafka
//! has no API for.
//!
//! # Invariants
//! - It never builds a runtime: calls run inside the caller's tokio runtime.
//! - Nothing it holds grows without bound: producers await buffer space, consumers stop fetching ahead.
//! - `close` is bounded by a timeout, also when no broker answers.
//! - An idempotent producer stores each record it acknowledged exactly once, in order of enqueueing by partition.
//! - Every failure is one [`Error`] that says what failed, on what, and the mend.
//!
//! # What it must not know
//! The server's code, and the languages that bind to it.

#![deny(missing_docs)]

pub mod admin;
pub mod client;
mod cluster;
mod connection;
pub mod consumer;
mod error;
pub mod group;
pub mod objects;
pub mod producer;

pub use admin::*;
pub use client::{BOOTSTRAP_VARIABLE, Client, ClientBuilder, bootstrap_addresses};
pub use consumer::{
    Consumer, ConsumerBuilder, Headers, Isolation, OffsetReset, OwnedRecord, Position, RecordRef, Records,
    Start,
};
pub use error::{Error, ErrorKind, Result};
pub use group::{Assignor, GroupBuilder, GroupConsumer, GroupEvent, GroupProtocol};
pub use objects::{Applied, Objects, Watch, WatchEvent};
pub use producer::{
    Acks, Delivery, Header, Partitioner, Producer, ProducerBuilder, ProducerStats, Record, RecordMetadata,
};
pub use tidemill_wire::codec::Compression;

#[cfg(test)]
mod tests {
    //! Every future can be spawned: callers run them on runtimes of many threads.
    use super::*;
    use std::time::Duration;

    fn sendable<T: Send>(_: T) {}

    #[allow(dead_code, reason = "it is enough that it compiles")]
    fn futures_are_send(
        client: Client,
        producer: Producer,
        mut consumer: Consumer,
        mut group: GroupConsumer,
        other: GroupConsumer,
    ) {
        let soon = Duration::ZERO;
        sendable(Client::connect(""));
        sendable(Client::from_env());
        sendable(client.objects());
        sendable(client.apply(""));
        sendable(client.topics().create(NewTopic::new("")));
        sendable(client.topics().list());
        sendable(client.topics().describe(""));
        sendable(client.topics().delete(""));
        sendable(client.topics().add_partitions("", 1));
        sendable(client.topics().delete_records("", &[]));
        sendable(client.topics().offsets("", Start::Latest));
        sendable(client.configs().topic(""));
        sendable(client.configs().alter_topic("", &[]));
        sendable(client.groups().list());
        sendable(client.groups().describe(""));
        sendable(client.groups().offsets(""));
        sendable(client.groups().delete(""));
        sendable(client.groups().alter_offsets("", &[]));
        sendable(client.groups().reset_offsets("", "", Start::Latest, true));
        sendable(client.groups().delete_offsets("", ""));
        sendable(client.cluster().describe());
        sendable(client.cluster().log_dirs());
        sendable(client.cluster().producers("", 0));
        sendable(client.producer().build());
        sendable(client.consumer().build());
        sendable(client.group("").build());
        sendable(producer.send(Record::to("")));
        sendable(producer.enqueue(Record::to("")));
        sendable(producer.flush(soon));
        sendable(consumer.next_batch(1, soon));
        sendable(consumer.seek("", 0, Start::Latest));
        sendable(consumer.stream());
        sendable(group.next_batch(1, soon));
        sendable(group.commit());
        sendable(group.commit_offsets(&[]));
        sendable(group.committed());
        sendable(group.close(soon));
        sendable(other.abandon(soon));
        sendable(producer.close(soon));
    }
}
