//! The Kafka wire protocol as Tidemill speaks it: frames, versions, messages and record batches.
//!
//! The messages themselves come from the `kafka-protocol` crate, re-exported as [`kafka`]; every other crate
//! reaches them through here, so that the codec can be changed in one place. What a log server needs to be
//! fast and safe is our own: a frame decoder that trusts no claimed length, a check of every request's shape
//! before it is decoded, a zero-copy view of record batches, and encoders that never copy record data.
//!
//! # Invariants
//!
//! - Sans-IO: bytes in, values out. No sockets, files, clocks, threads or randomness.
//! - No input, however hostile, causes a panic, unbounded work, or memory out of proportion to its own size.
//! - Record batches are opaque once validated: stored and served byte for byte as they were sent.
//!
//! # What it must not know
//!
//! Topics, partitions' state, groups, configuration, and who is asking.

#![deny(missing_docs)]

pub use kafka_protocol as kafka;

pub mod api;
pub mod batch;
pub mod codec;
pub mod consumer_protocol;
pub mod fetch;
pub mod frame;
mod shape;
