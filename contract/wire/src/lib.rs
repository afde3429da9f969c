//! The Kafka wire protocol as Tidemill speaks it: frames, versions, messages and record batches.
//!
//! The messages themselves come from the `kafka-protocol` crate, re-exported as [`kafka`]; every other crate
//! reaches them through here, so that the codec can be changed in one place. What a log server needs to be
//! fast and safe is our own: a frame decoder that trusts no claimed length, a check of every request's shape
//! before it is decoded, a zero-copy view of record batches, and encoders that never copy record data.
//!
//! # What is where
//!
//! | module | gives |
//! |---|---|
//! | [`frame`] | cuts a byte stream into frames, with room in proportion to what has arrived |
//! | [`api`] | the table of served versions; requests and responses as frames, decoded without trust in their counts |
//! | [`batch`] | the 61-byte header, checksum, record iterator and builder of record batches; changes in place |
//! | [`codec`] | gzip, Snappy, LZ4 and Zstandard as Kafka's clients frame them, always with a limit |
//! | [`fetch`] | Fetch responses around shared record data |
//! | [`consumer_protocol`] | subscriptions and assignments, which group members send through a coordinator |
//!
//! # Example
//!
//! Two records become a batch, are stored at offset 40 and read again:
//!
//! ```
//! use tidemill_wire::batch::{BatchBuilder, RecordData, patch, split};
//! use tidemill_wire::codec::Compression;
//!
//! let mut builder = BatchBuilder::new(Compression::Zstd);
//! for value in [&b"one"[..], b"two"] {
//!     builder.append(&RecordData { value: Some(value), ..RecordData::default() });
//! }
//! let mut stored = builder.build().to_vec();
//! patch::set_base_offset_and_epoch(&mut stored, 40, 1);
//!
//! for batch in split(stored.into()) {
//!     let batch = batch?;
//!     batch.verify_crc()?;
//!     // At most a megabyte, whatever the batch claims.
//!     let records = batch.records(1 << 20)?;
//!     let read: Vec<_> = records.iter().map(|record| record.map(|r| (r.offset, r.value))).collect::<Result<_, _>>()?;
//!     assert_eq!(read, [(40, Some(&b"one"[..])), (41, Some(&b"two"[..]))]);
//! }
//! # Ok::<(), tidemill_wire::batch::BatchError>(())
//! ```
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
pub mod produce;
mod shape;
