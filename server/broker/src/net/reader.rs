//! Requests on their way in.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tidemill_env::{BoxStream, Env};
use tidemill_wire::frame::{FrameDecoder, FrameError, FrameStep};
use tokio::io::AsyncReadExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::BrokerConfig;

/// Room for a connection that rests: ten thousand of them must cost little.
const RESTING: usize = 512;
/// Room for one that has just spoken.
const TALKING: usize = 16 << 10;

/// Why there is no further request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadEnd {
    /// The peer closed between requests.
    #[error("closed by the peer")]
    Closed,
    #[error("no request within the idle time")]
    Idle,
    #[error("a request was begun and not finished in time")]
    Slow,
    #[error("{0}")]
    Frame(#[from] FrameError),
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
    memory: Arc<Semaphore>,
    /// What the frame that is coming in has been granted.
    granted: Option<OwnedSemaphorePermit>,
}

/// Requests up to this size are not counted: their connection's own bound covers them.
const UNCOUNTED: usize = 64 << 10;

impl Reader {
    pub(super) fn new(config: &BrokerConfig, memory: Arc<Semaphore>) -> Self {
        let decoder = FrameDecoder::new(config.max_request_bytes);
        Self {
            buffer: BytesMut::new(),
            decoder,
            memory,
            granted: None,
        }
    }

    /// The next request. Waits `idle` for its first byte and `read` from there to its last.
    pub(super) async fn next(
        &mut self,
        stream: &mut BoxStream,
        env: &Env,
        config: &BrokerConfig,
    ) -> Result<Incoming, ReadEnd> {
        if let Some(incoming) = self.decode()? {
            return Ok(incoming);
        }
        if self.buffer.is_empty() {
            self.buffer = BytesMut::with_capacity(RESTING);
            let read = tokio::select! {
                read = stream.read_buf(&mut self.buffer) => read?,
                () = env.clock.sleep(config.idle_timeout) => return Err(ReadEnd::Idle),
            };
            if read == 0 {
                return Err(ReadEnd::Closed);
            }
        }
        tokio::select! {
            incoming = self.finish(stream) => incoming,
            () = env.clock.sleep(config.request_read_timeout) => Err(ReadEnd::Slow),
        }
    }

    async fn finish(&mut self, stream: &mut BoxStream) -> Result<Incoming, ReadEnd> {
        loop {
            let room = match self.decoder.decode(&mut self.buffer)? {
                FrameStep::Frame(frame) => {
                    return Ok(Incoming {
                        frame,
                        memory: self.granted.take(),
                    });
                }
                FrameStep::Need(room) => room,
            };
            self.grant().await;
            let known = self.buffer.len() >= 4;
            self.buffer.reserve(if known { room } else { room.min(TALKING) });
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ReadEnd::Closed);
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Incoming>, FrameError> {
        match self.decoder.decode(&mut self.buffer)? {
            FrameStep::Frame(frame) => Ok(Some(Incoming {
                frame,
                memory: self.granted.take(),
            })),
            FrameStep::Need(_) => Ok(None),
        }
    }

    /// Waits until the process has memory for a large frame.
    async fn grant(&mut self) {
        let Some(prefix) = self.buffer.first_chunk::<4>() else {
            return;
        };
        let size = u32::from_be_bytes(*prefix);
        if self.granted.is_none() && size as usize > UNCOUNTED {
            // The semaphore is never closed.
            self.granted = Arc::clone(&self.memory).acquire_many_owned(size).await.ok();
        }
    }

    /// Reads on while a request is being worked on, only to notice that the peer has gone. Completes
    /// when it has.
    pub(super) async fn gone(&mut self, stream: &mut BoxStream) {
        while self.buffer.len() < UNCOUNTED {
            self.buffer.reserve(RESTING);
            match stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        // A peer that sends this far ahead is there; it will be read in its turn.
        std::future::pending::<()>().await;
    }
}
