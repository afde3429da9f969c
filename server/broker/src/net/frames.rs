//! Responses on their way out.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tidemill_env::BoxStream;
use tokio::io::AsyncWriteExt;

/// A response as pieces that share memory with the log: record data is never copied to be sent.
pub type Frames = Vec<Bytes>;

/// Pieces written with one system call at most.
const PIECES: usize = 64;

/// Writes all pieces.
///
/// # Errors
/// As the stream's; `WriteZero` when it takes nothing any more.
pub(super) async fn write_all(stream: &mut BoxStream, frames: &mut VecDeque<Bytes>) -> io::Result<()> {
    while !frames.is_empty() {
        let slices: Vec<IoSlice<'_>> = frames
            .iter()
            .take(PIECES)
            .map(|piece| IoSlice::new(piece))
            .collect();
        let mut written = stream.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while let Some(front) = frames.front_mut() {
            if front.len() > written {
                front.advance(written);
                break;
            }
            written -= front.len();
            frames.pop_front();
        }
    }
    Ok(())
}
