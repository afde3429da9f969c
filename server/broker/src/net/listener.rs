//! Taking connections.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tidemill_env::Listener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use crate::broker::Broker;

/// Pause after a refusal by the system (too many open files): the next try may do.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes connections from `listener` until `stop` is cancelled, and returns once all have ended.
/// A connection that panics is logged and closed; the others go on.
pub async fn serve(broker: Arc<Broker>, listener: Box<dyn Listener>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let places = Arc::new(Semaphore::new(broker.config.max_connections));
    let memory = broker
        .config
        .request_memory_bytes
        .max(broker.config.max_request_bytes);
    let memory = Arc::new(Semaphore::new(memory.min(Semaphore::MAX_PERMITS)));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                broker.env.clock.sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, limit = broker.config.max_connections, "connection refused: too many are open");
            continue;
        };
        let connection = connection::run(
            Arc::clone(&broker),
            stream,
            peer,
            Arc::clone(&memory),
            stop.child_token(),
        );
        let metrics = Arc::clone(&broker.metrics);
        tasks.spawn(async move {
            metrics.connected(1);
            if AssertUnwindSafe(connection).catch_unwind().await.is_err() {
                tracing::error!(%peer, "a request handler panicked; the connection is closed, please report this");
            }
            metrics.connected(-1);
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}
