//! Waiting between attempts: exponential, with jitter so that many clients do not come back at once.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tokio::time::Instant;

/// Delays that double from `first` to `most`, each drawn from the upper half of its step.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    attempt: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            attempt: 0,
        }
    }

    /// The one used towards brokers: 20 ms to 1 s.
    pub(crate) fn for_brokers() -> Self {
        Self::new(Duration::from_millis(20), Duration::from_secs(1))
    }

    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }

    pub(crate) fn next_delay(&mut self) -> Duration {
        let step = self
            .first
            .saturating_mul(1 << self.attempt.min(16))
            .min(self.most);
        self.attempt = self.attempt.saturating_add(1);
        let half = step / 2;
        let jitter = (random_u64() % 1024) as u32;
        half + half * jitter / 1023
    }
}

/// The time in `wait` from now; so far away that nobody waits for it when `wait` cannot be counted.
pub(crate) fn after(wait: Duration) -> Instant {
    /// Some thirty years.
    const FAR: Duration = Duration::from_secs(1_000_000_000);
    let now = Instant::now();
    now.checked_add(wait.min(FAR)).unwrap_or(now)
}

/// A random number, good for jitter and identifiers, not for secrets.
pub(crate) fn random_u64() -> u64 {
    // Each RandomState is keyed differently from the last; hashing nothing yields a function of its key.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_ceiling_and_never_past_it() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(80));
        for step in [10, 20, 40, 80, 80, 80] {
            let delay = backoff.next_delay();
            assert!(
                delay >= Duration::from_millis(step / 2) && delay <= Duration::from_millis(step),
                "{delay:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(10));
    }
}
