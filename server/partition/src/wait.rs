//! Waking long polls.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

/// One long poll. It registers with every partition that it looks at ([`crate::Partition::wait`]),
/// looks once more, then awaits [`FetchWaiter::woken`].
#[derive(Debug, Default)]
pub struct FetchWaiter {
    notify: Notify,
}

impl FetchWaiter {
    /// A waiter that nothing has woken yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Completes when any partition that it is registered with moved since the last call. A wake-up
    /// that came before the call is not lost. Cancel by dropping.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }

    fn wake(&self) {
        self.notify.notify_one();
    }
}

/// The long polls that look at one partition.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// So that an append that nobody waits for takes no lock.
    any: AtomicBool,
    list: Mutex<Vec<Weak<FetchWaiter>>>,
}

/// List length at which ended waiters are first swept out.
const SWEEP_FROM: usize = 16;

impl Waiters {
    pub(crate) fn register(&self, waiter: &Arc<FetchWaiter>) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        // A partition that never moves must not gather the waiters of past polls.
        if list.len() >= SWEEP_FROM && list.len() == list.capacity() {
            list.retain(|waiter| waiter.strong_count() > 0);
        }
        list.push(Arc::downgrade(waiter));
        self.any.store(true, Ordering::Relaxed);
        drop(list);
        // Either the look that follows sees what moved, or what moved sees that someone waits.
        fence(Ordering::SeqCst);
    }

    pub(crate) fn wake_all(&self) {
        // Between what moved and the look for who waits; see `register`.
        fence(Ordering::SeqCst);
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let woken = {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            self.any.store(false, Ordering::Relaxed);
            std::mem::take(&mut *list)
        };
        for waiter in woken.iter().filter_map(Weak::upgrade) {
            waiter.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_before_the_wait_is_not_lost() {
        let (waiters, waiter) = (Waiters::default(), FetchWaiter::new());
        waiters.register(&waiter);
        waiters.wake_all();
        waiter.woken().await;
    }

    #[test]
    fn ended_polls_do_not_pile_up() {
        let waiters = Waiters::default();
        let alive = FetchWaiter::new();
        waiters.register(&alive);
        for _ in 0..10_000 {
            waiters.register(&FetchWaiter::new());
        }
        assert!(waiters.list.lock().unwrap().len() < 100);
    }
}
