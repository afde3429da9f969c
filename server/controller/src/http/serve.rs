//! Connections: bounded in number, in the time a request's head may take, and in the time an end may take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tidemill_env::{BoxStream, Listener};

use super::access::Peer;
use super::bounds::Seat;
use super::{Api, router};

/// A request whose head takes longer is dropped (slowloris); so is a connection idle for as long.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 64 * 1024;
/// Requests that are not done this long after the end was asked for are dropped.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// Serves the API on `listener` until `api.stop`, then finishes requests in flight for a few seconds.
pub async fn serve(listener: Box<dyn Listener>, api: Arc<Api>) {
    let service = TowerToHyperService::new(router(api.clone()));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES);
    while let Some((stream, peer, seat)) = next(listener.as_ref(), &api).await {
        let (service, kept) = (service.clone(), seat.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(seat.clone());
            service.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        api.env.tasks.spawn(Box::pin(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "an HTTP connection ended early");
            }
            drop(kept);
        }));
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = api.env.clock.sleep(LAST_PATIENCE) => {
            tracing::warn!("HTTP requests were still running at the end; they are dropped");
        }
    }
}

type Next = (BoxStream, SocketAddr, Seat);

/// The next connection; `None` when the server stops.
async fn next(listener: &dyn Listener, api: &Api) -> Option<Next> {
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, api.bounds.seat().await?)),
                Err(error) => {
                    tracing::warn!(%error, "an HTTP connection could not be accepted");
                    api.env.clock.sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    api.stop.run_until_cancelled(accepting).await.flatten()
}
