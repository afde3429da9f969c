//! Time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::BoxFuture;

/// Wall time for timestamps that users see, monotonic time for deadlines, and sleeping.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch. May jump when the machine's clock is set.
    fn wall_ms(&self) -> i64;

    /// Time since some fixed moment before the process did anything. Never goes back.
    fn monotonic(&self) -> Duration;

    /// Completes once `duration` has passed on the monotonic clock. Cancel by dropping.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clocks, and tokio's timer.
#[derive(Debug)]
pub struct RealClock {
    start: Instant,
}

impl Default for RealClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for RealClock {
    fn wall_ms(&self) -> i64 {
        // A clock set before 1970 reads as the epoch: timestamps stay non-negative.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
