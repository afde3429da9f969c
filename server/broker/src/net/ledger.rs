//! The memory that the requests of one connection take.

use std::sync::Arc;

use tidemill_env::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reader::UNCOUNTED;
use super::room::{PATIENCE, Room};

/// What the requests of one connection take, and what they may take.
pub(super) struct Ledger {
    /// Shared by all connections.
    pub(super) memory: Arc<Room>,
    /// What every connection may take without asking for a share: the bound on connections covers it.
    own: Arc<Semaphore>,
    /// Whether a request that is not answered yet has some of the shared.
    has_share: bool,
}

/// Memory of one request, given back when it has been answered.
#[derive(Debug)]
pub(super) struct Held {
    _frame: Option<OwnedSemaphorePermit>,
    _decoded: Option<OwnedSemaphorePermit>,
    is_share: bool,
}

impl Held {
    /// What was taken while the request came in.
    pub(super) fn of(frame: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            is_share: frame.is_some(),
            _frame: frame,
            _decoded: None,
        }
    }

    /// And what it takes once decoded, of the connection's own.
    pub(super) fn with(frame: Option<OwnedSemaphorePermit>, own: OwnedSemaphorePermit) -> Self {
        Self {
            is_share: frame.is_some(),
            _frame: frame,
            _decoded: Some(own),
        }
    }

    /// And what it takes once decoded, of what all share.
    pub(super) fn share(frame: Option<OwnedSemaphorePermit>, decoded: OwnedSemaphorePermit) -> Self {
        Self {
            is_share: true,
            ..Self::with(frame, decoded)
        }
    }
}

impl Ledger {
    pub(super) fn new(memory: Arc<Room>) -> Self {
        Self {
            memory,
            own: Arc::new(Semaphore::new(UNCOUNTED)),
            has_share: false,
        }
    }

    /// `bytes` of the connection's own, while they last.
    pub(super) fn allow(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.own).try_acquire_many_owned(bytes).ok()
    }

    /// A request begins to be answered.
    pub(super) fn enter(&mut self, held: &Held) {
        self.has_share |= held.is_share;
    }

    /// No request waits for its answer.
    pub(super) fn all_answered(&mut self) {
        self.has_share = false;
    }

    /// Completes when a request that waits for something else than memory, such as for records to come, has been
    /// waiting for long with some of what all share, while others wait for memory.
    pub(super) async fn is_in_the_way(&self, clock: &dyn Clock) {
        if !self.has_share {
            std::future::pending::<()>().await;
        }
        loop {
            clock.sleep(PATIENCE).await;
            if self.memory.is_crowded() {
                return;
            }
        }
    }
}
