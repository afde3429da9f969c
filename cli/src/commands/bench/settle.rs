//! Sees records acknowledged, and times it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tidemill_client::{Delivery, Error};
use tokio::sync::mpsc::UnboundedReceiver;

use super::clock::Clock;
use super::figures::Latency;
use super::generator::Signals;

/// A record whose acknowledgement is timed.
pub(super) struct Sample {
    pub(super) delivery: Delivery,
    /// When it was due, or made.
    pub(super) at_ns: u64,
}

/// What became of the records.
pub(super) struct Acknowledged {
    pub(super) latency: Latency,
    /// Why the first of those that failed did.
    pub(super) failure: Option<Error>,
}

/// Times records sent at `from_ns` or later, until all senders are gone and all records settled. As many samples wait
/// as the producers' buffers hold records. The first failure tells the generators to stop.
pub(super) async fn acknowledgements(
    mut samples: UnboundedReceiver<Sample>,
    clock: Clock,
    from_ns: u64,
    signals: Arc<Signals>,
) -> Acknowledged {
    let mut seen = Acknowledged {
        latency: Latency::new(),
        failure: None,
    };
    let mut waiting = FuturesUnordered::new();
    let mut open = true;
    while open || !waiting.is_empty() {
        tokio::select! {
            Some((at_ns, outcome)) = waiting.next(), if !waiting.is_empty() => match outcome {
                Ok(_) if at_ns < from_ns => {}
                Ok(_) => seen.latency.record(clock.now_ns().saturating_sub(at_ns)),
                Err(error) => {
                    signals.stop.store(true, Ordering::Relaxed);
                    seen.failure.get_or_insert(error);
                }
            },
            sample = samples.recv(), if open => match sample {
                Some(Sample { delivery, at_ns }) => waiting.push(async move { (at_ns, delivery.await) }),
                None => open = false,
            },
        }
    }
    seen
}
