//! One connection: one task that reads, answers and writes.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use tidemill_env::{Accepted, BoxFuture, BoxStream};
use tidemill_wire::kafka::messages::ApiKey;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::frames::{Frames, Patience, write_all};
use super::ledger::{Held, Ledger};
use super::piece::Piece;
use super::reader::{Incoming, ReadEnd, Reader};
use super::room::{PATIENCE, Room};
use crate::api::{self, Answer, Cx};
use crate::broker::Broker;

/// Requests of one connection that may wait for their commit at once.
const PIPELINED: usize = 64;
/// How long answers that are on their way may take once the server stops.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

type Pending = FuturesOrdered<BoxFuture<'static, Option<Frames>>>;

/// Serves a connection until the peer leaves, errs, or `stop` is cancelled and all is answered.
pub(super) async fn run(
    broker: Arc<Broker>,
    (mut stream, peer): Accepted,
    memory: Memory,
    stop: CancellationToken,
) {
    let mut reader = Reader::new(&broker.config, Arc::clone(&memory.requests));
    let patience = Patience {
        silence: broker.config.request_read_timeout,
        memory: memory.responses,
    };
    let cx = Cx::new(broker, &peer.ip().to_string());
    let mut connection = Connection {
        cx,
        pending: Pending::new(),
        out: VecDeque::new(),
        patience,
        ledger: Ledger::new(memory.requests),
        peer,
    };
    match connection.serve(&mut stream, &mut reader, &stop).await {
        Ok(()) | Err(ReadEnd::Closed) => tracing::debug!(%peer, "connection closed"),
        Err(ReadEnd::Idle) => tracing::debug!(%peer, "idle connection closed"),
        Err(reason @ (ReadEnd::Io(_) | ReadEnd::Cut)) => {
            tracing::info!(%peer, %reason, "connection lost");
        }
        // The peer has a part of a response, and can be told nothing else.
        Err(reason @ ReadEnd::Stored(_)) => tracing::error!(%peer, %reason, "connection closed"),
        Err(reason) => {
            connection.cx.broker.metrics.refused("not a request");
            tracing::warn!(%peer, %reason, "connection closed");
        }
    }
}

struct Connection {
    cx: Cx,
    pending: Pending,
    out: VecDeque<Piece>,
    patience: Patience,
    ledger: Ledger,
    peer: SocketAddr,
}

/// The memory that all connections share, in bytes.
#[derive(Clone)]
pub(super) struct Memory {
    /// For requests that are coming in or being answered.
    pub(super) requests: Arc<Room>,
    /// For responses that wait for their peers.
    pub(super) responses: Arc<Room>,
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
        let env = self.cx.broker.env.clone();
        loop {
            if self.pending.len() >= PIPELINED {
                let frames = self.pending.next().await.flatten();
                self.send(stream, frames).await?;
            }
            // Requests that came together are begun together; their answers then go out together.
            let incoming = match reader.buffered()? {
                Some(incoming) => incoming,
                None => tokio::select! {
                    biased;
                    Some(frames) = self.pending.next(), if !self.pending.is_empty() => {
                        self.send(stream, frames).await?;
                        continue;
                    }
                    incoming = reader.next(stream, env.clock.as_ref()) => incoming?,
                    () = stop.cancelled() => return self.end(stream).await,
                },
            };
            match self.dispatch(stream, incoming).await? {
                Next::Read => {}
                Next::AfterAnswers => {
                    let answered = self.answer_all(stream, reader);
                    if let Some(ended) = or_soon_after(stop, &env, answered).await {
                        ended?;
                    } else {
                        return Ok(());
                    }
                }
                Next::Close => return self.end(stream).await,
            }
        }
    }

    /// Answers everything that is pending, while looking out for a peer that leaves.
    async fn answer_all(&mut self, stream: &mut BoxStream, reader: &mut Reader) -> Result<(), ReadEnd> {
        while !self.pending.is_empty() {
            // Most answers are there at once; only a parked one is worth watching the peer for.
            let frames = match self.pending.next().now_or_never() {
                Some(frames) => frames.flatten(),
                None => {
                    let next = pin!(self.pending.next());
                    let clock = self.cx.broker.env.clock.as_ref();
                    tokio::select! {
                        biased;
                        frames = next => frames.flatten(),
                        () = reader.gone(stream) => return Err(ReadEnd::Closed),
                        () = self.ledger.is_in_the_way(clock) => return Err(ReadEnd::Parked),
                    }
                }
            };
            self.send(stream, frames).await?;
        }
        self.ledger.all_answered();
        Ok(())
    }

    /// Sends what is still on its way, for a little while.
    async fn end(&mut self, stream: &mut BoxStream) -> Result<(), ReadEnd> {
        let env = self.cx.broker.env.clone();
        let rest = async {
            while !self.pending.is_empty() {
                let frames = self.pending.next().await.flatten();
                self.send(stream, frames).await?;
            }
            Ok(())
        };
        tokio::select! {
            biased;
            sent = rest => sent,
            () = env.clock.sleep(LAST_PATIENCE) => Ok(()),
        }
    }

    /// Sends an answer, and with it all others that are ready.
    async fn send(&mut self, stream: &mut BoxStream, first: Option<Frames>) -> Result<(), ReadEnd> {
        self.out.extend(first.into_iter().flatten());
        while let Some(Some(frames)) = self.pending.next().now_or_never() {
            self.out.extend(frames.into_iter().flatten());
        }
        let bytes: usize = self.out.iter().map(Piece::len).sum();
        if bytes == 0 {
            return Ok(());
        }
        self.cx.broker.metrics.sent(bytes);
        write_all(stream, &mut self.out, &self.cx.broker.env, &self.patience).await?;
        // A response of many pieces leaves a large queue behind.
        self.out.shrink_to(16);
        Ok(())
    }

    async fn dispatch(&mut self, stream: &mut BoxStream, incoming: Incoming) -> Result<Next, ReadEnd> {
        let Incoming { frame, memory } = incoming;
        let bytes = frame.len();
        self.cx.broker.metrics.received(bytes + 4);
        let request = match api::check(&mut self.cx, frame) {
            Ok(request) => request,
            Err(answer) => return Ok(self.take(answer, Held::of(memory))),
        };
        let decoded = request.decoded_bytes();
        let held = self.make_room(stream, memory, (bytes, decoded)).await?;
        if request.key() == ApiKey::Fetch {
            wait_for_calm(&self.patience, &self.cx.broker.env).await;
        }
        let answer = api::dispatch(&mut self.cx, request).await;
        Ok(self.take(answer, held))
    }

    /// Waits until there is memory for a request once it is decoded. Answers go out meanwhile: they may be what holds
    /// the memory.
    async fn make_room(
        &mut self,
        stream: &mut BoxStream,
        memory: Option<OwnedSemaphorePermit>,
        (bytes, decoded): (usize, usize),
    ) -> Result<Held, ReadEnd> {
        let needed = memory.as_ref().map_or(bytes, |_| 0) + decoded;
        if let Some(allowed) = self.ledger.allow(needed) {
            return Ok(Held::with(memory, allowed));
        }
        let room = Arc::clone(&self.ledger.memory);
        if bytes + decoded > room.bytes() {
            return Err(ReadEnd::TooLarge(bytes + decoded));
        }
        let clock = Arc::clone(&self.cx.broker.env.clock);
        let (mut taken, mut too_late) = (pin!(room.take(needed)), pin!(clock.sleep(PATIENCE)));
        loop {
            tokio::select! {
                biased;
                taken = &mut taken => return Ok(Held::share(memory, taken)),
                Some(frames) = self.pending.next(), if !self.pending.is_empty() => {
                    self.send(stream, frames).await?;
                    if let Some(allowed) = self.ledger.allow(needed) {
                        return Ok(Held::with(memory, allowed));
                    }
                }
                () = &mut too_late => return Err(ReadEnd::NoRoom(PATIENCE)),
            }
        }
    }

    fn take(&mut self, answer: Answer, memory: Held) -> Next {
        match answer {
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

    fn push(&mut self, later: BoxFuture<'static, Option<Frames>>, memory: Held) {
        self.ledger.enter(&memory);
        self.pending.push_back(Box::pin(async move {
            let frames = later.await;
            drop(memory);
            frames
        }));
    }
}

/// Waits a while when responses wait for memory already: records are not read to join them.
async fn wait_for_calm(patience: &Patience, env: &tidemill_env::Env) {
    if patience.memory.is_crowded() {
        tokio::select! {
            // In turn, after those.
            _share = patience.memory.take(1) => {}
            () = env.clock.sleep(PATIENCE) => {}
        }
    }
}

/// Runs `work`; once `stop` is cancelled it has little time left, and `None` says that it was not enough.
async fn or_soon_after<T>(
    stop: &CancellationToken,
    env: &tidemill_env::Env,
    work: impl Future<Output = T>,
) -> Option<T> {
    let stopped = async {
        stop.cancelled().await;
        env.clock.sleep(LAST_PATIENCE).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = stopped => None,
    }
}
