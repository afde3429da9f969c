//! Whether a peer makes use of the memory that is held for its request.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::frames::PACE;
use super::reader::ReadEnd;
use super::room::{LOOK_EVERY, PATIENCE, Room};

/// What is known of a request that is coming in, told by who reads it to who watches it. Both are in one task.
#[derive(Debug, Default)]
pub(super) struct Progress {
    arrived: AtomicUsize,
    held: AtomicUsize,
    waits: AtomicBool,
}

/// Looks at a request now and then.
pub(super) struct Watch<'a> {
    progress: &'a Progress,
    memory: &'a Room,
    seen: usize,
    waited: Duration,
}

impl Progress {
    /// So many bytes of it have come.
    pub(super) fn arrived(&self, bytes: usize) {
        self.arrived.store(bytes, Relaxed);
    }

    /// So many bytes of memory are held for it.
    pub(super) fn holds(&self, bytes: usize) {
        self.held.store(bytes, Relaxed);
    }

    /// Waits for memory: what does not come meanwhile is not the peer's fault.
    pub(super) async fn waiting<T>(&self, room: impl Future<Output = T>) -> T {
        self.waits.store(true, Relaxed);
        let taken = room.await;
        self.waits.store(false, Relaxed);
        taken
    }

    pub(super) fn watch<'a>(&'a self, memory: &'a Room) -> Watch<'a> {
        Watch {
            progress: self,
            memory,
            seen: 0,
            waited: Duration::ZERO,
        }
    }
}

impl Watch<'_> {
    /// To be called every [`LOOK_EVERY`]. A request that holds memory may wait for more for [`PATIENCE`] only, as
    /// others may wait for what it holds; and its peer must send while others wait.
    pub(super) fn look(&mut self) -> Result<(), ReadEnd> {
        let arrived = self.progress.arrived.load(Relaxed);
        let came = arrived.saturating_sub(std::mem::replace(&mut self.seen, arrived));
        if self.progress.held.load(Relaxed) == 0 {
            return Ok(());
        }
        if self.progress.waits.load(Relaxed) {
            self.waited += LOOK_EVERY;
            return match self.waited >= PATIENCE {
                true => Err(ReadEnd::NoRoom(PATIENCE)),
                false => Ok(()),
            };
        }
        self.waited = Duration::ZERO;
        match self.memory.is_crowded() && (came as u64) < PACE {
            true => Err(ReadEnd::Hogging),
            false => Ok(()),
        }
    }

    /// Why a request is not whole after `patience`.
    pub(super) fn too_late(&self, patience: Duration) -> ReadEnd {
        match self.progress.waits.load(Relaxed) {
            true => ReadEnd::NoRoom(patience),
            false => ReadEnd::Slow(patience),
        }
    }
}
