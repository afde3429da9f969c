//! One multiplexed connection to one broker.
//!
//! Requests are written in the order they are started and answered in that order (Kafka guarantees it), so a queue
//! of waiting calls is all the bookkeeping there is. Whoever starts a request writes it to the socket at once if the
//! socket takes it; a task finishes what it did not. No cancelled call can leave half a frame behind.

mod backoff;
mod dial;
mod pool;
mod reader;
mod versions;
mod writer;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tidemill_wire::api::decode_response;
use tidemill_wire::kafka::messages::{ApiKey, ApiVersionsRequest, RequestHeader};
use tidemill_wire::kafka::protocol::{Encodable, Request, StrBytes};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use crate::error::{Error, Result};

pub(crate) use backoff::{Backoff, after, random_u64};
pub(crate) use dial::{Address, parse_bootstrap};
pub(crate) use pool::{Dialing, Pool};
pub(crate) use versions::Versions;

/// A connection in use. Dropping the last handle closes it.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    versions: Versions,
    tasks: [AbortHandle; 2],
}

struct Shared {
    stream: TcpStream,
    address: Address,
    client_id: StrBytes,
    state: Mutex<State>,
    /// Told when the write queue has something the socket would not take at once.
    queued: Notify,
    /// Told when the write queue has become empty, and when the connection ends.
    drained: Notify,
}

#[derive(Default)]
struct State {
    next_correlation: i32,
    waiting: VecDeque<Waiting>,
    unwritten: VecDeque<Bytes>,
    closed: Option<Error>,
    answered_once: bool,
}

struct Waiting {
    correlation: i32,
    reply: oneshot::Sender<Result<Bytes>>,
}

/// An answer on its way: the frame without its length, correlation id first.
pub(crate) type Reply = oneshot::Receiver<Result<Bytes>>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held cannot leave the queues half changed: each change is one push or pop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection: every waiting call, and every later one, gets `error`.
    fn fail(&self, error: &Error) {
        let waiting = {
            let mut state = self.lock();
            if state.closed.is_none() {
                state.closed = Some(error.clone());
            }
            state.unwritten.clear();
            std::mem::take(&mut state.waiting)
        };
        for call in waiting {
            // A caller that went away wants no answer.
            let _ = call.reply.send(Err(error.clone()));
        }
        self.queued.notify_one();
        self.drained.notify_waiters();
    }
}

impl Connection {
    fn start(stream: TcpStream, address: Address, client_id: &str) -> Self {
        let shared = Arc::new(Shared {
            stream,
            address,
            client_id: StrBytes::from_string(client_id.to_owned()),
            state: Mutex::new(State::default()),
            queued: Notify::new(),
            drained: Notify::new(),
        });
        let reader = tokio::spawn(reader::run(shared.clone()));
        let writer = tokio::spawn(writer::run(shared.clone()));
        Self {
            shared,
            versions: Versions::default(),
            tasks: [reader.abort_handle(), writer.abort_handle()],
        }
    }

    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    pub(crate) fn address(&self) -> &Address {
        &self.shared.address
    }

    /// Why the connection no longer works, if so.
    pub(crate) fn closed(&self) -> Option<Error> {
        self.shared.lock().closed.clone()
    }

    /// Closes the connection; every waiting call gets `error`.
    pub(crate) fn close(&self, error: &Error) {
        self.shared.fail(error);
        for task in &self.tasks {
            task.abort();
        }
    }

    /// Sends `request` in the newest version both sides speak and waits for the answer.
    ///
    /// Cancellation safe: the answer to an abandoned call is thrown away. An answer that does not come within
    /// `deadline` closes the connection, for Kafka answers in order and every later one would be late too.
    pub(crate) async fn call<R: Request>(&self, request: &R, deadline: Duration) -> Result<R::Response> {
        let version = self.versions.pick::<R>()?;
        self.call_version(request, version, deadline).await
    }

    pub(crate) async fn call_version<R: Request>(
        &self,
        request: &R,
        version: i16,
        deadline: Duration,
    ) -> Result<R::Response> {
        let frame = encode(&self.shared.client_id, request, version)?;
        let reply = self.send(vec![frame])?;
        let frame = self.wait(reply, deadline, R::KEY).await?;
        decode::<R>(frame, version)
    }

    /// Waits for the answer to a request sent with [`Self::send`].
    pub(crate) async fn wait(&self, reply: Reply, deadline: Duration, key: i16) -> Result<Bytes> {
        match tokio::time::timeout(deadline, reply).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::unavailable(format!(
                "connection to {} closed",
                self.address()
            ))),
            Err(_) => {
                let name =
                    ApiKey::try_from(key).map_or_else(|()| format!("API {key}"), |key| format!("{key:?}"));
                // Nothing is known of a server that does not answer the first question.
                let mend = match key {
                    ApiVersionsRequest::KEY => "that this is the Kafka port of the server, and its load",
                    _ => "the server's load, or raise the request timeout",
                };
                let error = Error::timeout(format!(
                    "{} did not answer {name} within {deadline:?}. Check {mend}",
                    self.address()
                ));
                self.close(&error);
                Err(error)
            }
        }
    }

    /// Queues one whole frame whose correlation id is still to be filled in (bytes 8 to 12 of the first chunk).
    pub(crate) fn send(&self, chunks: Vec<Bytes>) -> Result<Reply> {
        let (reply, receiver) = oneshot::channel();
        self.push(chunks, Some(reply))?;
        Ok(receiver)
    }

    /// As [`Self::send`], for a request that is never answered (a Produce with acks 0).
    pub(crate) fn send_unanswered(&self, chunks: Vec<Bytes>) -> Result<()> {
        self.push(chunks, None)
    }

    fn push(&self, mut chunks: Vec<Bytes>, reply: Option<oneshot::Sender<Result<Bytes>>>) -> Result<()> {
        let mut state = self.shared.lock();
        if let Some(error) = &state.closed {
            return Err(error.clone());
        }
        let correlation = state.next_correlation;
        state.next_correlation = state.next_correlation.wrapping_add(1);
        stamp(&mut chunks, correlation)?;
        if let Some(reply) = reply {
            state.waiting.push_back(Waiting { correlation, reply });
        }
        let was_empty = state.unwritten.is_empty();
        state.unwritten.extend(chunks);
        if was_empty {
            // Nobody is ahead of us: write at once and spare the hop to the writer task.
            writer::write_some(&self.shared.stream, &mut state);
        }
        if !state.unwritten.is_empty() {
            self.shared.queued.notify_one();
        }
        Ok(())
    }

    /// Waits until everything sent so far has been handed to the network. Cancellation safe.
    pub(crate) async fn drained(&self) -> Result<()> {
        loop {
            let drained = self.shared.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            {
                let state = self.shared.lock();
                if let Some(error) = &state.closed {
                    return Err(error.clone());
                }
                if state.unwritten.is_empty() {
                    return Ok(());
                }
            }
            drained.await;
        }
    }

    pub(crate) fn client_id(&self) -> &StrBytes {
        &self.shared.client_id
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close(&Error::cancelled(format!(
            "connection to {} closed by this client",
            self.shared.address
        )));
    }
}

const CORRELATION_AT: usize = 8;

fn stamp(chunks: &mut [Bytes], correlation: i32) -> Result<()> {
    let Some(first) = chunks.first_mut() else {
        return Err(Error::internal("an empty request"));
    };
    // The head was built for this request alone, so this is no copy.
    let mut head = BytesMut::from(std::mem::take(first));
    let Some(field) = head.get_mut(CORRELATION_AT..CORRELATION_AT + 4) else {
        return Err(Error::internal("a request without a header"));
    };
    field.copy_from_slice(&correlation.to_be_bytes());
    *first = head.freeze();
    Ok(())
}

/// Writes length, header and body of a request; the correlation id is filled in when it is sent.
pub(crate) fn encode<R: Request>(client_id: &StrBytes, request: &R, version: i16) -> Result<Bytes> {
    let failed = |error: String| {
        Error::invalid(format!(
            "cannot encode request {} version {version}: {error}",
            R::KEY
        ))
    };
    let mut frame = BytesMut::with_capacity(256);
    frame.put_i32(0);
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_client_id(Some(client_id.clone()));
    header
        .encode(&mut frame, R::header_version(version))
        .map_err(|e| failed(format!("{e:#}")))?;
    request
        .encode(&mut frame, version)
        .map_err(|e| failed(format!("{e:#}")))?;
    let length =
        i32::try_from(frame.len() - 4).map_err(|_| Error::invalid("a request of more than 2 GiB"))?;
    if let Some(prefix) = frame.get_mut(..4) {
        prefix.copy_from_slice(&length.to_be_bytes());
    }
    Ok(frame.freeze())
}

/// Reads the answer to an `R` of `version`. An answer that claims more than it holds is an error, not memory.
pub(crate) fn decode<R: Request>(frame: Bytes, version: i16) -> Result<R::Response> {
    match decode_response::<R>(version, frame) {
        Ok((_, response)) => Ok(response),
        Err(error) => Err(Error::corrupt(format!(
            "{error}. Check that the address is a Kafka server's"
        ))),
    }
}
