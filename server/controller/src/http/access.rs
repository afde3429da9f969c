//! What was asked over HTTP, counted and logged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::Api;

/// Who is on the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// One answered request, for the metrics: `route` is a pattern, so its values are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered<'a> {
    /// The pattern of the path, such as `/v1/{plural}/{name}`; `other` for a path that leads nowhere.
    pub route: &'a str,
    /// The method; `other` for one that is not used here.
    pub method: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// From the request's head to the answer's.
    pub took: Duration,
}

/// Counts and logs a request. Writes are logged for all to see, reads for those who look closer: the query stays
/// out of both.
pub(super) async fn record(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let begun = api.env.clock.monotonic();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (method, path) = (name_of(request.method()), request.uri().path().to_owned());
    let response = next.run(request).await;
    let took = api.env.clock.monotonic().saturating_sub(begun);
    let status = response.status();
    api.live.answered(&Answered {
        route: route.as_ref().map_or("other", MatchedPath::as_str),
        method,
        status: status.as_u16(),
        took,
    });
    let peer = peer.map(tracing::field::display);
    let status_code = status.as_u16();
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        tracing::error!(
            peer,
            method,
            path,
            status = status_code,
            ?took,
            "an HTTP request failed"
        );
    } else if matches!(method, "GET" | "HEAD" | "OPTIONS") {
        tracing::debug!(peer, method, path, status = status_code, ?took, "an HTTP request");
    } else {
        tracing::info!(peer, method, path, status = status_code, ?took, "an HTTP request");
    }
    response
}

fn name_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];
    KNOWN
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}
