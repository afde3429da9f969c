//! Taking connections.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use rustc_hash::FxHashMap;
use tidemill_env::{Accepted, Listener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Memory};
use super::room::Room;
use crate::broker::Broker;

/// Pause after a refusal by the system (too many open files): the next try may do.
const PAUSE: Duration = Duration::from_millis(50);
/// At least this long between two lines about refused connections.
const BETWEEN_LINES: Duration = Duration::from_secs(1);

/// Takes connections from `listener` until `stop` is cancelled, and returns once all have ended.
/// A connection that panics is logged and closed; the others go on.
pub async fn serve(broker: Arc<Broker>, listener: Box<dyn Listener>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let places = Arc::new(Places::new(
        broker.config.max_connections,
        broker.config.max_connections_per_ip,
    ));
    let config = &broker.config;
    let memory = Memory {
        // The largest request must fit, or it would wait for ever.
        requests: Arc::new(Room::new(
            config.request_memory_bytes.max(config.max_request_bytes),
        )),
        responses: Arc::new(Room::new(config.response_memory_bytes)),
    };
    let mut refusals = Refusals::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok(accepted) => match places.take(accepted.1.ip()) {
                Ok(place) => {
                    let broker = Arc::clone(&broker);
                    tasks.spawn(watch(broker, accepted, memory.clone(), (place, stop.clone())));
                }
                Err(full) => {
                    broker.metrics.refused("too many connections");
                    refusals.tell(broker.env.clock.monotonic(), accepted.1, &full);
                }
            },
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
    memory: Memory,
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

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
enum Full {
    #[error("{open} are open, the most that max-connections allows; close some or raise it")]
    All { open: usize },
    #[error("{open} are open from {ip}, the most that max-connections-per-ip allows; close some or raise it")]
    Address { open: usize, ip: IpAddr },
}

/// Says that connections are refused, once in a while: a flood of them must not become a flood of lines.
#[derive(Default)]
struct Refusals {
    /// When the last line was written, on the monotonic clock.
    told: Option<Duration>,
    /// Refused since then.
    untold: u64,
}

impl Refusals {
    fn tell(&mut self, now: Duration, peer: SocketAddr, why: &Full) {
        if self
            .told
            .is_some_and(|told| now.saturating_sub(told) < BETWEEN_LINES)
        {
            self.untold += 1;
            return;
        }
        let others = std::mem::take(&mut self.untold);
        self.told = Some(now);
        tracing::warn!(%peer, %why, others, "connection refused");
    }
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

    fn take(self: &Arc<Self>, ip: IpAddr) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let here = taken.by_ip.get(&ip).copied().unwrap_or(0);
        if taken.all >= self.most {
            return Err(Full::All { open: taken.all });
        }
        if here >= self.most_per_ip {
            return Err(Full::Address { open: here, ip });
        }
        taken.all += 1;
        taken.by_ip.insert(ip, here + 1);
        Ok(Place {
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
        assert!(matches!(places.take(one), Err(Full::Address { open: 2, .. })));
        let third = places.take(other).unwrap();
        assert!(matches!(places.take(other), Err(Full::All { open: 3 })));
        drop((first, third));
        assert!(places.take(one).is_ok());
        assert_eq!(places.taken.lock().unwrap().by_ip.len(), 1);
    }
}
