//! Responses on their way out.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use tidemill_env::{BoxStream, Clock};
use tokio::io::AsyncWrite;

use super::reader::ReadEnd;
use super::room::Room;
use super::share::Share;

/// A response as pieces that share memory with the log: record data is never copied to be sent.
pub type Frames = Vec<Bytes>;

/// Pieces written with one system call at most.
const PIECES: usize = 64;

/// The slowest that a peer may take a response, in bytes a second, when it is a long one.
pub(super) const PACE: u64 = 64 << 10;

/// How long responses wait for a peer, and the memory that all that wait may take.
#[derive(Clone)]
pub(super) struct Patience {
    /// For a peer that takes nothing.
    pub(super) silence: Duration,
    /// What all waiting responses of the process count against.
    pub(super) memory: Arc<Room>,
}

/// Writes all pieces.
///
/// A peer is given up that takes nothing for the time of `patience`, that takes a long response more slowly than
/// [`PACE`], or that does not hurry while others wait for memory for their responses.
pub(super) async fn write_all(
    stream: &mut BoxStream,
    frames: &mut VecDeque<Bytes>,
    clock: &dyn Clock,
    patience: &Patience,
) -> Result<(), ReadEnd> {
    // What the socket takes at once needs neither clock nor count.
    while let Some(written) = write_some(stream, frames).now_or_never() {
        advance(frames, nonzero(written?)?);
        if frames.is_empty() {
            return Ok(());
        }
    }
    let waiting: usize = frames.iter().map(Bytes::len).sum();
    let slowest = Duration::from_secs(waiting as u64 / PACE);
    let begin = clock.monotonic();
    let (deadline, mut silent_until) = (begin + patience.silence + slowest, begin + patience.silence);
    let mut share = Share::new(&patience.memory, waiting, begin);
    while !frames.is_empty() {
        let now = clock.monotonic();
        share.look(now, frames.iter().map(Bytes::len).sum())?;
        let left = silent_until.min(deadline).saturating_sub(now);
        if left.is_zero() {
            return Err(ReadEnd::Stuck);
        }
        let pause = left.min(share.until_look(now));
        tokio::select! {
            biased;
            written = write_some(stream, frames) => {
                advance(frames, nonzero(written?)?);
                silent_until = clock.monotonic() + patience.silence;
            }
            () = share.turn() => {}
            () = clock.sleep(pause) => {}
        }
    }
    Ok(())
}

fn nonzero(written: usize) -> io::Result<usize> {
    match written {
        0 => Err(io::ErrorKind::WriteZero.into()),
        some => Ok(some),
    }
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
