//! One connection: one task that reads, answers and writes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use tidemill_env::{BoxFuture, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::frames::{Frames, write_all};
use super::reader::{Incoming, ReadEnd, Reader};
use crate::api::{self, Answer, Cx};
use crate::broker::Broker;

/// Requests of one connection that may wait for their commit at once.
const PIPELINED: usize = 64;

type Pending = FuturesOrdered<BoxFuture<'static, Option<Frames>>>;

/// Serves `stream` until the peer leaves, errs, or `stop` is cancelled and all is answered.
pub(super) async fn run(
    broker: Arc<Broker>,
    mut stream: BoxStream,
    peer: SocketAddr,
    memory: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let mut reader = Reader::new(&broker.config, memory);
    let cx = Cx::new(Arc::clone(&broker), peer.ip().to_string());
    let mut connection = Connection {
        cx,
        pending: Pending::new(),
        out: VecDeque::new(),
        peer,
    };
    let ended = connection.serve(&mut stream, &mut reader, &stop).await;
    match ended {
        Ok(()) | Err(ReadEnd::Closed) => tracing::debug!(%peer, "connection closed"),
        Err(ReadEnd::Idle) => tracing::debug!(%peer, "idle connection closed"),
        Err(reason) => tracing::warn!(%peer, %reason, "connection closed"),
    }
}

struct Connection {
    cx: Cx,
    pending: Pending,
    out: VecDeque<Bytes>,
    peer: SocketAddr,
}

/// Whether the next request may be read before this one is answered.
enum Next {
    Read,
    AfterAnswers,
    Close,
}

impl Connection {
    async fn serve(
        &mut self,
        stream: &mut BoxStream,
        reader: &mut Reader,
        stop: &CancellationToken,
    ) -> Result<(), ReadEnd> {
        let (env, config) = (self.cx.broker.env.clone(), self.cx.broker.config.clone());
        loop {
            if self.pending.len() >= PIPELINED {
                self.drain_one(stream).await?;
            }
            let incoming = tokio::select! {
                biased;
                Some(frames) = self.pending.next(), if !self.pending.is_empty() => {
                    self.send(stream, frames).await?;
                    continue;
                }
                incoming = reader.next(stream, &env, &config) => incoming?,
                () = stop.cancelled() => {
                    while !self.pending.is_empty() {
                        self.drain_one(stream).await?;
                    }
                    return Ok(());
                }
            };
            match self.dispatch(incoming).await {
                Next::Read => {}
                Next::AfterAnswers => self.answer_all(stream, reader).await?,
                Next::Close => {
                    while !self.pending.is_empty() {
                        self.drain_one(stream).await?;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Answers everything that is pending, while looking out for a peer that leaves.
    async fn answer_all(&mut self, stream: &mut BoxStream, reader: &mut Reader) -> Result<(), ReadEnd> {
        while !self.pending.is_empty() {
            // Most answers are there at once; only a parked one is worth watching the peer for.
            let ready = self.pending.next().now_or_never().flatten();
            let frames = match ready {
                Some(frames) => frames,
                None => {
                    let next = self.pending.next();
                    let next = pin!(next);
                    tokio::select! {
                        frames = next => frames.flatten(),
                        () = reader.gone(stream) => return Err(ReadEnd::Closed),
                    }
                }
            };
            self.send(stream, frames).await?;
        }
        Ok(())
    }

    async fn drain_one(&mut self, stream: &mut BoxStream) -> Result<(), ReadEnd> {
        let frames = self.pending.next().await.flatten();
        self.send(stream, frames).await
    }

    /// Sends an answer, and with it all others that are ready.
    async fn send(&mut self, stream: &mut BoxStream, first: Option<Frames>) -> Result<(), ReadEnd> {
        self.out.extend(first.into_iter().flatten());
        while let Some(Some(frames)) = self.pending.next().now_or_never() {
            self.out.extend(frames.into_iter().flatten());
        }
        let bytes: usize = self.out.iter().map(Bytes::len).sum();
        self.cx.broker.metrics.sent(bytes);
        Ok(write_all(stream, &mut self.out).await?)
    }

    async fn dispatch(&mut self, incoming: Incoming) -> Next {
        let Incoming { frame, memory } = incoming;
        self.cx.broker.metrics.received(frame.len() + 4);
        match api::dispatch(&mut self.cx, frame).await {
            Answer::Now(frames) => {
                self.push(Box::pin(async move { Some(frames) }), memory);
                Next::AfterAnswers
            }
            Answer::Parked(later) => {
                self.push(later, memory);
                Next::AfterAnswers
            }
            Answer::Ordered(later) => {
                self.push(later, memory);
                Next::Read
            }
            Answer::Nothing => Next::Read,
            Answer::Close(reason) => {
                tracing::warn!(peer = %self.peer, reason, "connection closed");
                Next::Close
            }
        }
    }

    fn push(&mut self, later: BoxFuture<'static, Option<Frames>>, memory: Option<OwnedSemaphorePermit>) {
        self.pending.push_back(Box::pin(async move {
            let frames = later.await;
            drop(memory);
            frames
        }));
    }
}
