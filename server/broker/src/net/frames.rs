//! Responses on their way out.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use tidemill_env::{BoxStream, Clock};
use tokio::io::AsyncWrite;

use super::reader::ReadEnd;

/// A response as pieces that share memory with the log: record data is never copied to be sent.
pub type Frames = Vec<Bytes>;

/// Pieces written with one system call at most.
const PIECES: usize = 64;

/// Writes all pieces. A peer that takes nothing for `patience` is given up.
pub(super) async fn write_all(
    stream: &mut BoxStream,
    frames: &mut VecDeque<Bytes>,
    clock: &dyn Clock,
    patience: Duration,
) -> Result<(), ReadEnd> {
    while !frames.is_empty() {
        let written = match write_some(stream, frames).now_or_never() {
            Some(written) => written?,
            None => tokio::select! {
                biased;
                written = write_some(stream, frames) => written?,
                () = clock.sleep(patience) => return Err(ReadEnd::Stuck),
            },
        };
        if written == 0 {
            return Err(io::Error::from(io::ErrorKind::WriteZero).into());
        }
        advance(frames, written);
    }
    Ok(())
}

/// Writes what the stream takes now. The list of pieces lives only while it is looked at, so that a
/// connection that waits stays small.
async fn write_some(stream: &mut BoxStream, frames: &VecDeque<Bytes>) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(frames) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        Pin::new(&mut *stream).poll_write_vectored(cx, slices.get(..count).unwrap_or_default())
    })
    .await
}

/// Lets go of what was written.
fn advance(frames: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(front) = frames.front_mut() {
        if front.len() > written {
            front.advance(written);
            return;
        }
        written -= front.len();
        frames.pop_front();
    }
}
