//! Memory that all connections share, in bytes.
//!
//! Who needs some waits for it in turn, and those who hold some and do nothing with it are hurried while others wait:
//! see [`Hurry`]. Nobody waits for ever: not for the last bytes that a peer never sends, and not for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a connection that holds memory may wait for more.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked at whether a peer makes use of the memory that is held for it.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Memory of one kind.
#[derive(Debug)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    bytes: usize,
    waiting: AtomicUsize,
}

impl Room {
    /// Room for `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(bytes)),
            bytes,
            waiting: AtomicUsize::new(0),
        }
    }

    /// All there is, taken or not.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// `bytes` if they are free and nobody waits.
    pub(super) fn try_take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.free).try_acquire_many_owned(bytes).ok()
    }

    /// `bytes`, as soon as they are free: for ever if they are more than there is. In turn, so that who needs much
    /// is not passed by for ever by those who need little. Cancellation safe, but the turn is lost.
    pub(super) async fn take(&self, bytes: usize) -> OwnedSemaphorePermit {
        if let Some(permit) = self.try_take(bytes) {
            return permit;
        }
        let _counted = Counted::new(&self.waiting);
        match u32::try_from(bytes) {
            Ok(bytes) => match Arc::clone(&self.free).acquire_many_owned(bytes).await {
                Ok(permit) => permit,
                // The semaphore is never closed.
                Err(_) => std::future::pending().await,
            },
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether anybody waits.
    pub(super) fn is_crowded(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// One that waits.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_waits_is_seen_and_served_in_turn() {
        let room = Room::new(10);
        let held = room.take(8).await;
        assert!(!room.is_crowded());
        let mut large = Box::pin(room.take(10));
        assert!((&mut large).now_or_never().is_none());
        assert!(room.is_crowded());
        let mut small = Box::pin(room.take(1));
        assert!(
            (&mut small).now_or_never().is_none(),
            "two bytes are free, and another was first"
        );
        drop(held);
        let taken = (&mut large).now_or_never().unwrap();
        drop((taken, large));
        assert!(small.now_or_never().is_some());
        assert!(!room.is_crowded());
        let lost = Box::pin(room.take(11));
        drop(lost);
        assert!(!room.is_crowded(), "who gives up does not wait");
    }
}
