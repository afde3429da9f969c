//! The world as the server sees it: time, randomness, disk, network and tasks, behind traits.
//!
//! **Purpose.** Storage, replication, partitions, metadata and controllers take everything that is
//! not a pure function of their input from an [`Env`]. In production that is [`Env::real`]; in a
//! simulation it is a seeded clock, a disk that loses what was not synced, and a network that drops
//! and delays, so that one seed is one history.
//!
//! **Invariants.** Nothing here retries, buffers or decides; each method is one operation of the
//! machine below it. Disk operations block the calling thread: callers choose the thread.
//!
//! **Must not know.** Logs, batches, Kafka, metadata.
#![deny(missing_docs)]

mod clock;
mod disk;
mod file_range;
mod network;
mod random;
mod real_disk;
#[cfg(feature = "sim")]
pub mod sim;
mod tasks;

use std::sync::Arc;

pub use clock::{Clock, RealClock};
pub use disk::{Disk, DiskEntry, DiskFile, DiskSpace, OpenMode};
pub use file_range::FileRange;
pub use network::{Accepted, BoxStream, Listener, Network, RealNetwork, Stream};
pub use random::{OsRandom, Random};
pub use real_disk::RealDisk;
pub use tasks::{BlockingLost, BoxFuture, RealTasks, Tasks};

/// One bundle of everything the server takes from the outside. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// Wall and monotonic time, and sleeping.
    pub clock: Arc<dyn Clock>,
    /// Files and directories.
    pub disk: Arc<dyn Disk>,
    /// Listening and connecting.
    pub network: Arc<dyn Network>,
    /// Random numbers.
    pub random: Arc<dyn Random>,
    /// Where futures and blocking work run.
    pub tasks: Arc<dyn Tasks>,
}

impl Env {
    /// The machine itself. Tasks run on the tokio runtime that is current when they are spawned.
    #[must_use]
    pub fn real() -> Self {
        Self {
            clock: Arc::new(RealClock::default()),
            disk: Arc::new(RealDisk),
            network: Arc::new(RealNetwork),
            random: Arc::new(OsRandom),
            tasks: Arc::new(RealTasks),
        }
    }

    /// Runs `work` where blocking is allowed and answers its result.
    ///
    /// # Errors
    /// [`BlockingLost`] when the work panicked or the runtime is shutting down.
    ///
    /// # Cancellation
    /// Dropping the future does not stop work that has begun; its result is discarded.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T, BlockingLost>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (send, receive) = tokio::sync::oneshot::channel();
        self.tasks.spawn_blocking(Box::new(move || {
            // The receiver may be gone: whoever asked no longer wants the answer.
            let _ = send.send(work());
        }));
        receive.await.map_err(|_| BlockingLost)
    }
}
