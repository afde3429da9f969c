//! Taking connections.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use rustc_hash::FxHashMap;
use tidemill_env::{Accepted, Listener};
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
    let places = Arc::new(Places::new(
        broker.config.max_connections,
        broker.config.max_connections_per_ip,
    ));
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
        match accepted {
            Ok(accepted) => {
                if let Some(place) = places.take(accepted.1.ip()) {
                    tasks.spawn(watch(
                        Arc::clone(&broker),
                        accepted,
                        Arc::clone(&memory),
                        (place, stop.clone()),
                    ));
                } else {
                    broker.metrics.refused("too many connections");
                    let peer = accepted.1;
                    tracing::warn!(%peer, "connection refused: too many are open, see max-connections");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken; raise the limit of open files if it is that");
                broker.env.clock.sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// Runs one connection; a panic ends it alone.
async fn watch(
    broker: Arc<Broker>,
    accepted: Accepted,
    memory: Arc<Semaphore>,
    (place, stop): (Place, CancellationToken),
) {
    let metrics = Arc::clone(&broker.metrics);
    let peer = accepted.1;
    metrics.connected(1);
    let served = AssertUnwindSafe(connection::run(broker, accepted, memory, stop))
        .catch_unwind()
        .await;
    if served.is_err() {
        metrics.refused("panic");
        tracing::error!(%peer, "a request handler panicked; the connection is closed, please report this");
    }
    metrics.connected(-1);
    drop(place);
}

/// Places for connections, in all and of one address.
struct Places {
    most: usize,
    most_per_ip: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_ip: FxHashMap<IpAddr, usize>,
}

/// A connection's place; free again when dropped.
struct Place {
    places: Arc<Places>,
    ip: IpAddr,
}

impl Places {
    fn new(most: usize, most_per_ip: usize) -> Self {
        Self {
            most,
            most_per_ip,
            taken: Mutex::default(),
        }
    }

    fn take(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let here = taken.by_ip.get(&ip).copied().unwrap_or(0);
        if taken.all >= self.most || here >= self.most_per_ip {
            return None;
        }
        taken.all += 1;
        taken.by_ip.insert(ip, here + 1);
        Some(Place {
            places: Arc::clone(self),
            ip,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        match taken.by_ip.get_mut(&self.ip) {
            Some(here) if *here > 1 => *here -= 1,
            _ => drop(taken.by_ip.remove(&self.ip)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_by_address_and_come_back() {
        let places = Arc::new(Places::new(3, 2));
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert!(places.take(one).is_none(), "two of one address are enough");
        let third = places.take(other).unwrap();
        assert!(places.take(other).is_none(), "three in all are enough");
        drop((first, third));
        assert!(places.take(one).is_some());
        assert_eq!(places.taken.lock().unwrap().by_ip.len(), 1);
    }
}
