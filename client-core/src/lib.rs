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
pub use client::{BOOTSTRAP_VARIABLE, Client, ClientBuilder};
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
