//! Frames: every Kafka request and response is a 4-byte big-endian length followed by that many bytes.
//!
//! The decoder is sans-IO: the caller owns the buffer and the socket. It never asks for more room than the
//! peer has shown itself able to fill: a peer that claims 100 MB and sends 10 bytes costs a small buffer.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Bytes of the length prefix.
pub const LENGTH_PREFIX: usize = 4;

/// The room granted to a frame of which nothing has arrived yet.
const FIRST_GRANT: usize = 64 * 1024;

/// After that, the room granted is at most this many times what has arrived of the frame.
const GROWTH: usize = 3;

/// Why a byte stream is not a sequence of frames. The stream cannot be resynchronised: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The prefix holds a negative length.
    #[error("the frame claims a length of {0} bytes; is this a Kafka client?")]
    Negative(i32),
    /// The frame is longer than the receiver allows.
    #[error(
        "the frame claims {claimed} bytes, more than the limit of {limit}; a peer that speaks HTTP or TLS to \
         a Kafka port looks like this, else raise the limit"
    )]
    TooLarge {
        /// The length in the prefix.
        claimed: usize,
        /// The longest frame allowed.
        limit: usize,
    },
}

/// What the buffer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameStep {
    /// No whole frame yet: reserve this many bytes (at least one), read, and try again. It may be fewer than
    /// the frame still lacks.
    Need(usize),
    /// One whole frame, without its prefix, sharing the buffer's memory.
    Frame(Bytes),
}

/// Cuts frames off the front of a buffer.
#[derive(Debug, Clone)]
pub struct FrameDecoder {
    max_len: usize,
}

impl FrameDecoder {
    /// A decoder that refuses frames of more than `max_len` bytes (prefix not counted).
    pub fn new(max_len: usize) -> FrameDecoder {
        FrameDecoder { max_len }
    }

    /// Takes the next frame off the front of `buf`, or tells how much room the next read should have.
    ///
    /// # Errors
    ///
    /// [`FrameError`] as soon as the prefix is seen to be unacceptable; `buf` is left as it was.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<FrameStep, FrameError> {
        let Some(prefix) = buf.first_chunk::<LENGTH_PREFIX>() else {
            return Ok(FrameStep::Need(FIRST_GRANT));
        };
        let claimed = i32::from_be_bytes(*prefix);
        let len = usize::try_from(claimed).map_err(|_| FrameError::Negative(claimed))?;
        if len > self.max_len {
            return Err(FrameError::TooLarge {
                claimed: len,
                limit: self.max_len,
            });
        }
        let arrived = buf.len() - LENGTH_PREFIX;
        if arrived < len {
            let plausible = FIRST_GRANT.max(arrived.saturating_mul(GROWTH));
            return Ok(FrameStep::Need((len - arrived).min(plausible)));
        }
        buf.advance(LENGTH_PREFIX);
        Ok(FrameStep::Frame(buf.split_to(len).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut;

    #[test]
    fn a_claim_alone_buys_little_room() {
        let mut buf = BytesMut::new();
        buf.put_i32(100_000_000);
        buf.put_slice(&[0; 10]);
        let step = FrameDecoder::new(usize::MAX).decode(&mut buf);
        assert_eq!(step, Ok(FrameStep::Need(FIRST_GRANT)));
    }

    #[test]
    fn refuses_negative_and_oversized_lengths_at_the_prefix() {
        let mut negative = BytesMut::from(&(-1i32).to_be_bytes()[..]);
        assert_eq!(
            FrameDecoder::new(10).decode(&mut negative),
            Err(FrameError::Negative(-1))
        );
        let mut http = BytesMut::from(&b"HTTP"[..]);
        let refused = FrameDecoder::new(1 << 20).decode(&mut http);
        assert!(matches!(
            refused,
            Err(FrameError::TooLarge { limit: 1_048_576, .. })
        ));
    }

    #[test]
    fn an_empty_frame_is_a_frame() {
        let mut buf = BytesMut::from(&[0, 0, 0, 0, 9][..]);
        assert_eq!(
            FrameDecoder::new(10).decode(&mut buf),
            Ok(FrameStep::Frame(Bytes::new()))
        );
        assert_eq!(&buf[..], [9]);
    }
}
