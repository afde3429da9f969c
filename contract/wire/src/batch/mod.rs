//! Record batches, version 2 (magic byte 2): a 61-byte header, then records, compressed or not.
//!
//! ```text
//!  0 base offset        i64   | 17 crc-32c             u32  (of everything from byte 21)
//!  8 batch length       i32   | 21 attributes          i16  (codec, timestamp type, transactional, control)
//! 12 partition leader   i32   | 23 last offset delta   i32
//!    epoch                    | 27 base timestamp      i64
//! 16 magic              i8    | 35 max timestamp       i64
//!                             | 43 producer id         i64 ; 51 epoch i16 ; 53 base sequence i32
//!                             | 57 record count        i32
//! ```
//!
//! The batch length counts what follows it, so a whole batch takes `12 + batch length` bytes. Base offset and
//! leader epoch lie outside the checksum, so that a leader can set them without touching the rest.
//! Source: Apache Kafka's documentation, "Message Format"; KIP-98.

mod attributes;
mod builder;
mod error;
mod gap;
mod header;
pub mod patch;
mod records;
mod retain;
mod split;
mod varint;
mod whole;

pub use attributes::Attributes;
pub use builder::{BatchBuilder, RecordData};
pub use crc32c::crc32c;
pub use error::BatchError;
pub use gap::gap_at;
pub use header::BatchHeader;
pub use records::{Headers, RecordIter, RecordRef, Records};
pub use split::{Batches, split};
pub use whole::Batch;

/// Bytes of a batch header.
pub const HEADER_LEN: usize = 61;

/// Bytes before and including the batch length field; the length counts what follows them.
pub const LENGTH_END: usize = 12;

/// Where the checksummed part of a batch begins.
pub const CRC_START: usize = 21;

/// The only record format that is served and stored.
pub const MAGIC: i8 = 2;
