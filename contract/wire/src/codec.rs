//! The compression codecs of record batches, as the Kafka clients write and read them.
//!
//! Decompression is always bounded: a few bytes can unfold to gigabytes, so the caller says how many it is
//! ready to hold, and memory grows with what was really unfolded, not with what the input claims.

use std::io::{self, Read, Write};

use bytes::Bytes;
use thiserror::Error;

/// A codec, with the number that stands in a batch's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not compressed.
    #[default]
    None = 0,
    /// gzip (RFC 1952).
    Gzip = 1,
    /// Snappy, in the block framing of xerial's Java library.
    Snappy = 2,
    /// LZ4 frame format, independent blocks.
    Lz4 = 3,
    /// Zstandard (RFC 8878, KIP-110).
    Zstd = 4,
}

impl Compression {
    /// Every codec, by number.
    pub const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    /// The codec of that number, if there is one.
    pub fn from_number(number: i16) -> Option<Compression> {
        usize::try_from(number)
            .ok()
            .and_then(|at| Compression::ALL.get(at))
            .copied()
    }

    /// The number in a batch's attributes, 0 to 4.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The name that Kafka's `compression.type` uses.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// The codec of that `compression.type` name, if there is one.
    pub fn from_name(name: &str) -> Option<Compression> {
        Compression::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

/// Why a codec failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The input unfolds to more than the caller's limit.
    #[error("the {codec} data unfolds to more than the limit of {limit} bytes", codec = codec.name())]
    TooLarge {
        /// The codec.
        codec: Compression,
        /// The caller's limit in bytes.
        limit: usize,
    },
    /// The input is not what the codec writes.
    #[error("the {codec} data does not decompress: {reason}", codec = codec.name())]
    Corrupt {
        /// The codec.
        codec: Compression,
        /// What the codec found.
        reason: String,
    },
    /// The codec would not compress: a level it does not know, or out of memory.
    #[error("{codec} could not compress: {reason}", codec = codec.name())]
    Compress {
        /// The codec.
        codec: Compression,
        /// What the codec said.
        reason: String,
    },
}

/// Bytes of input to one block of xerial-framed Snappy, as Java's writer has it.
const XERIAL_BLOCK: usize = 32 * 1024;
/// The stream header: a magic, then version 1 and compatible version 1.
const XERIAL_HEADER: [u8; 16] = *b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";
const XERIAL_MAGIC: usize = 8;
/// No element of a Snappy block yields more than 64 bytes from fewer than 2.
const SNAPPY_RATIO: usize = 32;

/// Compresses `input` and appends the result to `out`.
///
/// `level` is the codec's own: gzip 1 to 9 (6 if `None`), zstd -131072 to 22 (3 if `None`); the others have
/// none and ignore it.
///
/// # Errors
///
/// [`CodecError::Compress`]; `out` may then hold part of a result.
pub fn compress(
    codec: Compression,
    level: Option<i32>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    match codec {
        Compression::None => {
            out.extend_from_slice(input);
            Ok(())
        }
        Compression::Gzip => gzip(level, input, out),
        Compression::Snappy => xerial(input, out),
        Compression::Lz4 => lz4(input, out),
        Compression::Zstd => zstd(level, input, out),
    }
    .map_err(|reason| CodecError::Compress { codec, reason })
}

/// Decompresses `input`, to at most `limit` bytes.
///
/// Snappy is read in the Java library's framing and, without its magic, as one raw block.
///
/// # Errors
///
/// [`CodecError::TooLarge`] beyond `limit`, [`CodecError::Corrupt`] for what does not decompress.
pub fn decompress(codec: Compression, input: &[u8], limit: usize) -> Result<Bytes, CodecError> {
    match codec {
        Compression::None if input.len() > limit => Err(CodecError::TooLarge { codec, limit }),
        Compression::None => Ok(Bytes::copy_from_slice(input)),
        Compression::Gzip => read_bounded(codec, flate2::read::MultiGzDecoder::new(input), limit),
        Compression::Snappy => unsnappy(input, limit),
        Compression::Lz4 => read_bounded(codec, lz4_flex::frame::FrameDecoder::new(input), limit),
        // The decoder's own ceiling on the window (128 MiB) stands: level 22 writes such windows, and their
        // pages are only touched as data fills them.
        Compression::Zstd => match zstd::stream::read::Decoder::with_buffer(input) {
            Ok(reader) => read_bounded(codec, reader, limit),
            Err(error) => Err(corrupt(codec, error)),
        },
    }
}

fn gzip(level: Option<i32>, input: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let level = match level {
        None => flate2::Compression::default(),
        Some(level @ 0..=9) => flate2::Compression::new(level.unsigned_abs()),
        Some(level) => return Err(format!("level {level} is not in 0 to 9")),
    };
    let mut writer = flate2::write::GzEncoder::new(out, level);
    writer
        .write_all(input)
        .and_then(|()| writer.finish().map(drop))
        .map_err(describe)
}

fn lz4(input: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    // Java's reader takes independent blocks only.
    let info = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max64KB);
    let mut writer = FrameEncoder::with_frame_info(info, out);
    writer.write_all(input).map_err(describe)?;
    writer.finish().map(drop).map_err(|error| error.to_string())
}

fn zstd(level: Option<i32>, input: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
    let mut writer = zstd::stream::write::Encoder::new(out, level).map_err(describe)?;
    // Lets readers size their buffers exactly, and small inputs take small windows.
    writer
        .set_pledged_src_size(Some(input.len() as u64))
        .map_err(describe)?;
    writer
        .write_all(input)
        .and_then(|()| writer.finish().map(drop))
        .map_err(describe)
}

fn xerial(input: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut encoder = snap::raw::Encoder::new();
    out.extend_from_slice(&XERIAL_HEADER);
    for block in input.chunks(XERIAL_BLOCK) {
        let prefix_at = out.len();
        let start = prefix_at + 4;
        out.resize(start + snap::raw::max_compress_len(block.len()), 0);
        let written = encoder
            .compress(block, &mut out[start..])
            .map_err(|error| error.to_string())?;
        // A block of 32 KiB never takes 4 GiB.
        out[prefix_at..start].copy_from_slice(&(written as u32).to_be_bytes());
        out.truncate(start + written);
    }
    Ok(())
}

fn unsnappy(input: &[u8], limit: usize) -> Result<Bytes, CodecError> {
    let mut out = Vec::new();
    if !input.starts_with(&XERIAL_HEADER[..XERIAL_MAGIC]) {
        unsnappy_block(input, limit, &mut out)?;
        return Ok(out.into());
    }
    let mut rest = input;
    while !rest.is_empty() {
        // Java's reader allows streams one after the other, each with its header.
        if rest.starts_with(&XERIAL_HEADER[..XERIAL_MAGIC]) {
            rest = rest.get(XERIAL_HEADER.len()..).ok_or_else(cut_snappy)?;
            continue;
        }
        let (prefix, after) = rest.split_first_chunk::<4>().ok_or_else(cut_snappy)?;
        let len = u32::from_be_bytes(*prefix) as usize;
        let block = after.get(..len).ok_or_else(cut_snappy)?;
        unsnappy_block(block, limit, &mut out)?;
        rest = &after[len..];
    }
    Ok(out.into())
}

/// Appends one raw Snappy block to `out`, which never grows past `limit`.
fn unsnappy_block(block: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let codec = Compression::Snappy;
    let claimed = snap::raw::decompress_len(block).map_err(|error| corrupt(codec, error))?;
    if claimed > limit.saturating_sub(out.len()) {
        return Err(CodecError::TooLarge { codec, limit });
    }
    if claimed > block.len().saturating_mul(SNAPPY_RATIO) {
        return Err(corrupt(codec, "a block claims more than its bytes can hold"));
    }
    let start = out.len();
    out.resize(start + claimed, 0);
    let written = snap::raw::Decoder::new()
        .decompress(block, &mut out[start..])
        .map_err(|error| corrupt(codec, error))?;
    out.truncate(start + written);
    Ok(())
}

fn cut_snappy() -> CodecError {
    corrupt(Compression::Snappy, "the stream is cut short")
}

/// Reads to the end, or to one byte past the limit, whichever comes first.
fn read_bounded(codec: Compression, reader: impl Read, limit: usize) -> Result<Bytes, CodecError> {
    let mut out = Vec::new();
    let ceiling = (limit as u64).saturating_add(1);
    reader
        .take(ceiling)
        .read_to_end(&mut out)
        .map_err(|error| corrupt(codec, error))?;
    if out.len() > limit {
        return Err(CodecError::TooLarge { codec, limit });
    }
    Ok(out.into())
}

fn corrupt(codec: Compression, reason: impl ToString) -> CodecError {
    CodecError::Corrupt {
        codec,
        reason: reason.to_string(),
    }
}

fn describe(error: io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
