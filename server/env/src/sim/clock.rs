//! Time that moves when it is moved.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use crate::{BoxFuture, Clock};

/// A clock that stands still until [`SimClock::advance`].
#[derive(Debug)]
pub struct SimClock {
    shared: std::sync::Arc<Mutex<Time>>,
}

#[derive(Debug)]
struct Time {
    start_ms: i64,
    now: Duration,
    sleepers: Vec<std::task::Waker>,
}

impl SimClock {
    /// A clock whose wall time begins at `start_ms` (milliseconds since 1970).
    #[must_use]
    pub fn new(start_ms: i64) -> Self {
        let time = Time {
            start_ms,
            now: Duration::ZERO,
            sleepers: Vec::new(),
        };
        Self {
            shared: std::sync::Arc::new(Mutex::new(time)),
        }
    }

    /// Moves time on and wakes those whose sleep is over.
    pub fn advance(&self, by: Duration) {
        let sleepers = {
            let mut time = lock(&self.shared);
            time.now += by;
            std::mem::take(&mut time.sleepers)
        };
        // Whoever woke too early sleeps on.
        sleepers.into_iter().for_each(std::task::Waker::wake);
    }
}

fn lock(time: &Mutex<Time>) -> MutexGuard<'_, Time> {
    time.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clock for SimClock {
    fn wall_ms(&self) -> i64 {
        let time = lock(&self.shared);
        let passed = i64::try_from(time.now.as_millis()).unwrap_or(i64::MAX);
        time.start_ms.saturating_add(passed)
    }

    fn monotonic(&self) -> Duration {
        lock(&self.shared).now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let shared = std::sync::Arc::clone(&self.shared);
        let until = lock(&shared).now.saturating_add(duration);
        Box::pin(std::future::poll_fn(move |cx| {
            let mut time = lock(&shared);
            if time.now >= until {
                return Poll::Ready(());
            }
            time.sleepers.push(cx.waker().clone());
            Poll::Pending
        }))
    }
}
