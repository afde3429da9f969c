//! Responses on their way out.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tidemill_env::{BoxStream, Env, FileRange};
use tokio::io::AsyncWrite;

use super::piece::Piece;
use super::reader::ReadEnd;
use super::room::Room;
use super::share::Share;

/// A response as pieces that share memory with the log or name its files: record data is never copied to be sent.
pub type Frames = Vec<Piece>;

/// Pieces written with one system call at most.
const PIECES: usize = 64;

/// The slowest that a peer may take a response, in bytes a second, when it is a long one.
pub(super) const PACE: u64 = 64 << 10;

/// Most bytes sent from a file by one system call: all of them are looked for in memory before.
const SENT_AT_ONCE: usize = 1 << 20;
/// Bytes of a file that are read to be sent, where the system cannot send them or would wait for the device. They are
/// held no longer than the peer takes for them, and not counted.
const READ_AT_ONCE: usize = 64 << 10;
/// Bytes that the device is asked for beforehand, once it has to be.
const AHEAD: usize = 1 << 20;

/// How long responses wait for a peer, and the memory that all that wait may take.
#[derive(Clone)]
pub(super) struct Patience {
    /// For a peer that takes nothing.
    pub(super) silence: Duration,
    /// What all waiting responses of the process count against.
    pub(super) memory: Arc<Room>,
}

/// What a look at the first piece and at the socket came to.
enum Step {
    /// The socket took so many bytes.
    Took(usize),
    /// The first piece is of a file, and must be read.
    Unread,
}

/// Writes all pieces.
///
/// A peer is given up that takes nothing for the time of `patience`, that takes a long response more slowly than
/// [`PACE`], or that does not hurry while others wait for memory for their responses. Pieces of files hold no memory and
/// do not count.
pub(super) async fn write_all(
    stream: &mut BoxStream,
    frames: &mut VecDeque<Piece>,
    env: &Env,
    patience: &Patience,
) -> Result<(), ReadEnd> {
    let clock = env.clock.as_ref();
    // What the socket takes at once needs neither clock nor count.
    while let Some(step) = write_some(stream, frames).now_or_never() {
        match step? {
            Step::Took(written) => advance(frames, written),
            Step::Unread => read_first(frames, env).await?,
        }
        if frames.is_empty() {
            return Ok(());
        }
    }
    let waiting: usize = frames.iter().map(Piece::len).sum();
    let held: usize = frames.iter().map(Piece::held).sum();
    let slowest = Duration::from_secs(waiting as u64 / PACE);
    let begin = clock.monotonic();
    let (mut deadline, mut silent_until) = (begin + patience.silence + slowest, begin + patience.silence);
    let mut share = Share::new(&patience.memory, held, begin);
    while !frames.is_empty() {
        let now = clock.monotonic();
        share.look(now, frames.iter().map(Piece::held).sum())?;
        let left = silent_until.min(deadline).saturating_sub(now);
        if left.is_zero() {
            return Err(ReadEnd::Stuck);
        }
        let pause = left.min(share.until_look(now));
        tokio::select! {
            biased;
            step = write_some(stream, frames) => match step? {
                Step::Took(written) => {
                    advance(frames, written);
                    silent_until = clock.monotonic() + patience.silence;
                }
                Step::Unread => {
                    // The peer does not answer for the device's time.
                    let begin = clock.monotonic();
                    read_first(frames, env).await?;
                    let read = clock.monotonic().saturating_sub(begin);
                    (deadline, silent_until) = (deadline + read, silent_until + read);
                }
            },
            () = share.turn() => {}
            () = clock.sleep(pause) => {}
        }
    }
    Ok(())
}

/// Writes what the stream takes now. The list of pieces lives only while it is looked at, so that a
/// connection that waits stays small.
async fn write_some(stream: &mut BoxStream, frames: &VecDeque<Piece>) -> Result<Step, ReadEnd> {
    poll_fn(|cx| match frames.front() {
        Some(Piece::File(range)) => poll_send(stream, cx, range),
        _ => poll_write(stream, cx, frames).map(|written| match written? {
            0 => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            some => Ok(Step::Took(some)),
        }),
    })
    .await
}

/// Has the system send what of `range` it need not wait for.
fn poll_send(stream: &mut BoxStream, cx: &mut Context<'_>, range: &FileRange) -> Poll<Result<Step, ReadEnd>> {
    let cached = range.cached(SENT_AT_ONCE);
    if cached == 0 {
        return Poll::Ready(Ok(Step::Unread));
    }
    stream.poll_send_file(cx, range, cached).map(|sent| match sent {
        Ok(0) => Err(ReadEnd::Stored(io::ErrorKind::UnexpectedEof.into())),
        Ok(some) => Ok(Step::Took(some)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Step::Unread),
        Err(error) => Err(error.into()),
    })
}

/// Writes the pieces that are in memory, up to the first that is not.
fn poll_write(
    stream: &mut BoxStream,
    cx: &mut Context<'_>,
    frames: &VecDeque<Piece>,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); PIECES];
    let mut count = 0;
    for (slice, bytes) in slices.iter_mut().zip(frames.iter().map_while(Piece::bytes)) {
        *slice = IoSlice::new(bytes);
        count += 1;
    }
    Pin::new(stream).poll_write_vectored(cx, slices.get(..count).unwrap_or_default())
}

/// Puts bytes in the place of the beginning of the first piece, which is of a file.
async fn read_first(frames: &mut VecDeque<Piece>, env: &Env) -> Result<(), ReadEnd> {
    let Some(Piece::File(range)) = frames.front_mut() else {
        return Ok(());
    };
    let read = match range.read_cached(READ_AT_ONCE) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let range = range.clone();
            env.blocking(move || range.read(READ_AT_ONCE, AHEAD))
                .await
                .unwrap_or_else(|_| Err(io::Error::other("the server is stopping")))
        }
        read => read,
    };
    let bytes = read.map_err(ReadEnd::Stored)?;
    range.advance(bytes.len());
    if range.is_empty() {
        frames.pop_front();
    }
    frames.push_front(bytes.into());
    Ok(())
}

/// Lets go of what was written.
fn advance(frames: &mut VecDeque<Piece>, mut written: usize) {
    while let Some(front) = frames.front_mut() {
        if front.len() > written {
            front.advance(written);
            return;
        }
        written -= front.len();
        frames.pop_front();
    }
}

#[cfg(test)]
mod tests;
