//! How many are served at once.
//!
//! Requests and watches have bounds of their own: a watch lasts for hours, and as many as there may be must not keep
//! a single request out. Who comes when all places for requests are taken is told so, on one of a few places that
//! are kept for that.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// Connections that are told, at a time, that there are too many; further ones wait.
const TOLD_AT_ONCE: usize = 64;
/// When to come again, in seconds: requests are short, so that a place is free soon ...
const AFTER_REQUESTS: u64 = 1;
/// ... and watches are long.
const AFTER_WATCHES: u64 = 10;

/// How many may be served at once, and under which names.
#[derive(Debug, Clone)]
pub struct Bounds {
    connections: Arc<Semaphore>,
    told: Arc<Semaphore>,
    watches: Arc<Semaphore>,
    most_watches: usize,
    names: Arc<[String]>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self::new(1024, 1024, Vec::new())
    }
}

/// The place of a connection; free again once its last clone is gone.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// Given back early when a watch takes a place of its own.
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    /// Whether its requests are served, or only told to come again.
    is_served: bool,
}

impl Seat {
    fn new(permit: OwnedSemaphorePermit, is_served: bool) -> Self {
        Self {
            permit: Arc::new(Mutex::new(Some(permit))),
            is_served,
        }
    }

    fn give_back(&self) {
        drop(self.permit.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Bounds {
    /// At most `connections` that make requests, and beside them `watches`. A request must have been sent to an IP
    /// address, to `localhost`, or to one of `names` (`*`: to any name).
    #[must_use]
    pub fn new(connections: usize, watches: usize, names: Vec<String>) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            connections: places(connections),
            told: places(TOLD_AT_ONCE),
            watches: places(watches),
            most_watches: watches.max(1),
            names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }

    /// The names that requests may be sent to, in lower case.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// A place for a connection. Waits only while too many are being told that there is none.
    pub(super) async fn seat(&self) -> Option<Seat> {
        let (connections, told) = (Arc::clone(&self.connections), Arc::clone(&self.told));
        tokio::select! {
            biased;
            permit = connections.acquire_owned() => Some(Seat::new(permit.ok()?, true)),
            permit = told.acquire_owned() => Some(Seat::new(permit.ok()?, false)),
        }
    }

    /// A place for a watch, to be kept while it lasts. The connection's other place becomes free.
    pub(super) fn watch(&self, seat: Option<&Seat>) -> Result<OwnedSemaphorePermit, Problem> {
        let Ok(permit) = Arc::clone(&self.watches).try_acquire_owned() else {
            let message = format!(
                "{} watches are open, the most that http-max-watches allows: close some, come again, or raise it",
                self.most_watches
            );
            return Err(Problem::crowded(message, AFTER_WATCHES));
        };
        if let Some(seat) = seat {
            seat.give_back();
        }
        Ok(permit)
    }
}

/// Sends away whoever has no place. That the process lives is told all the same: it must not be restarted for being
/// busy.
pub(super) async fn seated(request: Request, next: Next) -> Response {
    let has_place = request
        .extensions()
        .get::<Seat>()
        .is_none_or(|seat| seat.is_served);
    if has_place {
        return next.run(request).await;
    }
    if request.uri().path() == "/healthz" {
        return last(next.run(request).await);
    }
    let message = "as many HTTP connections are open as http-max-connections allows: come again, close some that are \
                   idle, or raise it";
    last(Problem::crowded(message, AFTER_REQUESTS).into_response())
}

/// The connection ends with this response: it has no place among those that make requests.
pub(super) fn last(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}
