//! Why bytes are not an acceptable record batch.

use thiserror::Error;

use crate::codec::CodecError;

/// Why bytes are not an acceptable record batch, cut by what a caller does next: wait for more bytes, answer
/// a producer with a particular error, or truncate a log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The bytes end before the batch does: read more, or truncate here.
    #[error("the batch is cut short: it takes {needed} bytes and {have} are there")]
    Incomplete {
        /// Bytes the batch (or its header) takes.
        needed: usize,
        /// Bytes that are there.
        have: usize,
    },
    /// The record format is not version 2. Kafka answers UNSUPPORTED_FOR_MESSAGE_FORMAT.
    #[error("record format {0} is not supported; use a client that writes format 2 (Kafka 0.11 or later)")]
    UnsupportedMagic(i8),
    /// A codec number that no codec has. Kafka answers UNSUPPORTED_COMPRESSION_TYPE.
    #[error("compression codec {0} is unknown; known are 0 to 4: none, gzip, snappy, lz4, zstd")]
    UnknownCodec(i16),
    /// The checksum does not agree with the bytes. Kafka answers CORRUPT_MESSAGE.
    #[error("the batch's checksum is {stored:#010x} but its bytes give {computed:#010x}; they were damaged")]
    CrcMismatch {
        /// The checksum in the header.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// The structure contradicts itself. Kafka answers CORRUPT_MESSAGE.
    #[error("the batch is corrupt: {0}")]
    Corrupt(&'static str),
    /// The structure is sound but the content is not acceptable. Kafka answers INVALID_RECORD.
    #[error("the batch is not valid: {0}")]
    Invalid(&'static str),
    /// The records do not decompress, or to more than the caller's limit.
    #[error(transparent)]
    Codec(#[from] CodecError),
}
