//! Requests on their way in.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::FutureExt;
use tidemill_env::{BoxStream, Clock};
use tidemill_wire::frame::{FrameDecoder, FrameError, FrameStep, LENGTH_PREFIX};
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;

use super::frames::PACE;
use super::progress::Progress;
use super::room::{LOOK_EVERY, Room};
use super::stranger;
use crate::config::BrokerConfig;

/// Room for a connection that rests: ten thousand of them must cost little.
const RESTING: usize = 256;
/// Room for one that has just spoken, until it shows that it sends more ...
const LISTENING: usize = 1 << 10;
/// ... and the most that it then gets before a request has begun.
const TALKING: usize = 16 << 10;
/// Silence after which a connection rests.
const RESTS_AFTER: Duration = Duration::from_secs(2);
/// Requests up to this size are not counted while they come in: the bound on connections covers them.
pub(super) const UNCOUNTED: usize = 64 << 10;
/// A request as large as the peer's last is given its room at once, up to this.
const TRUSTED: usize = 2 << 20;

/// Why there is no further request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadEnd {
    /// The peer closed between requests.
    #[error("closed by the peer")]
    Closed,
    #[error("closed by the peer in the middle of a request")]
    Cut,
    #[error("no request within the idle time")]
    Idle,
    #[error("a request was begun and not finished within {0:?}")]
    Slow(Duration),
    #[error(
        "the peer does not take its responses; a client that fetches must read, and faster than {PACE} bytes a second"
    )]
    Stuck,
    #[error(
        "the peer does not take its responses, or too slowly while others wait for the memory; see response-memory-bytes"
    )]
    Crowded,
    #[error(
        "the peer does not go on with its request while others wait for the memory that is held for it; send faster than \
         {PACE} bytes a second, or raise request-memory-bytes"
    )]
    Hogging,
    #[error(
        "a request of the peer waits for long while others wait for its memory; raise request-memory-bytes"
    )]
    Parked,
    #[error(
        "there was no memory for a request within {0:?}; send smaller ones, or raise request-memory-bytes"
    )]
    NoRoom(Duration),
    #[error(
        "a request takes {0} bytes of memory once it is decoded, more than request-memory-bytes allows for all; send \
         smaller ones, or raise it"
    )]
    TooLarge(usize),
    #[error(
        "stored records could not be read while they were sent: {0}; check the disk and the system's log"
    )]
    Stored(io::Error),
    #[error("the peer speaks {0}; point Kafka clients here without it, and browsers at the HTTP port")]
    Stranger(&'static str),
    #[error("{0}")]
    Frame(FrameError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A whole request, and the memory that it counts for.
pub(super) struct Incoming {
    pub(super) frame: Bytes,
    /// Given back when the request has been answered.
    pub(super) memory: Option<OwnedSemaphorePermit>,
}

/// Cuts what a peer sends into requests. Cancellation safe: what was read stays.
pub(super) struct Reader {
    buffer: BytesMut,
    decoder: FrameDecoder,
    memory: Arc<Room>,
    /// What the frame that is coming in has been granted.
    granted: Option<OwnedSemaphorePermit>,
    /// Size of the last request.
    last: usize,
    /// Room for the first bytes of the next one.
    talking: usize,
    idle: Duration,
    patience: Duration,
}

impl Reader {
    pub(super) fn new(config: &BrokerConfig, memory: Arc<Room>) -> Self {
        Self {
            buffer: BytesMut::new(),
            decoder: FrameDecoder::new(config.max_request_bytes),
            memory,
            granted: None,
            last: 0,
            talking: LISTENING,
            idle: config.idle_timeout,
            patience: config.request_read_timeout,
        }
    }

    /// A request that has already been read whole.
    pub(super) fn buffered(&mut self) -> Result<Option<Incoming>, ReadEnd> {
        Ok(self.step()?.ok())
    }

    /// The next request. Waits the idle time for its first byte and the read time from there to its last.
    pub(super) async fn next(
        &mut self,
        stream: &mut BoxStream,
        clock: &dyn Clock,
    ) -> Result<Incoming, ReadEnd> {
        if let Some(incoming) = self.buffered()? {
            return Ok(incoming);
        }
        if self.buffer.is_empty() {
            self.first_bytes(stream, clock).await?;
        }
        // What came at once needs no clock.
        if let Some(done) = self.finish(stream, &Progress::default()).now_or_never() {
            return done;
        }
        let (patience, memory) = (self.patience, Arc::clone(&self.memory));
        let deadline = clock.monotonic() + patience;
        let progress = Progress::default();
        let mut watch = progress.watch(&memory);
        let mut finish = pin!(self.finish(stream, &progress));
        loop {
            let left = deadline.saturating_sub(clock.monotonic());
            tokio::select! {
                biased;
                incoming = &mut finish => return incoming,
                () = clock.sleep(LOOK_EVERY.min(left)) => {}
            }
            if clock.monotonic() >= deadline {
                return Err(watch.too_late(patience));
            }
            watch.look()?;
        }
    }

    /// Waits for a request to begin, first with a roomy buffer, then with a small one.
    async fn first_bytes(&mut self, stream: &mut BoxStream, clock: &dyn Clock) -> Result<(), ReadEnd> {
        if self.last > 0 {
            self.buffer.reserve(self.talking);
            if let Some(read) = stream.read_buf(&mut self.buffer).now_or_never() {
                return self.heard(read?);
            }
            tokio::select! {
                biased;
                read = stream.read_buf(&mut self.buffer) => return self.heard(read?),
                () = clock.sleep(RESTS_AFTER.min(self.idle)) => {}
            }
        }
        self.buffer = BytesMut::with_capacity(RESTING);
        tokio::select! {
            biased;
            read = stream.read_buf(&mut self.buffer) => self.heard(read?),
            () = clock.sleep(self.idle) => Err(ReadEnd::Idle),
        }
    }

    /// A peer that fills the room it has gets more the next time.
    fn heard(&mut self, read: usize) -> Result<(), ReadEnd> {
        if read == 0 {
            return Err(ReadEnd::Closed);
        }
        if self.last > 0 && self.buffer.len() == self.buffer.capacity() {
            self.talking = (self.talking * 4).min(TALKING);
        }
        Ok(())
    }

    /// Reads on until a request is whole.
    async fn finish(&mut self, stream: &mut BoxStream, progress: &Progress) -> Result<Incoming, ReadEnd> {
        loop {
            let need = match self.step()? {
                Ok(incoming) => return Ok(incoming),
                Err(need) => need,
            };
            let room = self.room(need);
            self.grant(self.buffer.len() + room, progress).await;
            progress.arrived(self.buffer.len());
            self.buffer.reserve(room);
            // A large request is read to its end and not beyond: the next one gets a buffer of its own,
            // and nothing has to be moved.
            let most = if need > TALKING { room } else { usize::MAX };
            if stream.read_buf(&mut (&mut self.buffer).limit(most)).await? == 0 {
                return Err(ReadEnd::Cut);
            }
        }
    }

    /// A whole request, or how many bytes to read next.
    fn step(&mut self) -> Result<Result<Incoming, usize>, ReadEnd> {
        match self.decoder.decode(&mut self.buffer) {
            Ok(FrameStep::Frame(frame)) => {
                self.last = frame.len();
                Ok(Ok(Incoming {
                    frame,
                    memory: self.granted.take(),
                }))
            }
            Ok(FrameStep::Need(need)) => Ok(Err(need)),
            Err(error) => Err(match stranger::recognise(&self.buffer) {
                Some(protocol) => ReadEnd::Stranger(protocol),
                None => ReadEnd::Frame(error),
            }),
        }
    }

    /// How much room the next read gets: what the decoder finds plausible, or all that is missing when the
    /// peer sent as much before.
    fn room(&self, need: usize) -> usize {
        let Some(size) = self.claimed() else {
            return TALKING;
        };
        let missing = (LENGTH_PREFIX + size).saturating_sub(self.buffer.len());
        if size <= self.last.min(TRUSTED) {
            missing
        } else {
            need
        }
        .max(1)
    }

    /// The size that the frame coming in claims to have.
    fn claimed(&self) -> Option<usize> {
        let prefix = self.buffer.first_chunk::<LENGTH_PREFIX>()?;
        usize::try_from(i32::from_be_bytes(*prefix)).ok()
    }

    /// Waits until the process has memory for `bytes` of the frame that is coming in. Only what a peer has
    /// nearly filled is counted, so that a claim alone takes nothing from others.
    async fn grant(&mut self, bytes: usize, progress: &Progress) {
        let held = self.granted.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        progress.holds(held);
        // The largest request and its length may be a few bytes more than there is for all.
        let bytes = bytes.min(self.memory.bytes());
        if bytes <= UNCOUNTED || bytes <= held {
            return;
        }
        let permit = progress.waiting(self.memory.take(bytes - held)).await;
        match &mut self.granted {
            Some(granted) => granted.merge(permit),
            None => self.granted = Some(permit),
        }
        progress.holds(bytes);
    }

    /// Reads on while a request is being worked on, only to notice that the peer has gone. Completes
    /// when it has.
    pub(super) async fn gone(&mut self, stream: &mut BoxStream) {
        while self.buffer.len() < UNCOUNTED {
            self.buffer
                .reserve(if self.buffer.is_empty() { RESTING } else { TALKING });
            match stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        // A peer that sends this far ahead is there; it will be read in its turn.
        std::future::pending::<()>().await;
    }
}
