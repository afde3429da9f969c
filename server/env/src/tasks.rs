//! Where work runs.

use std::future::Future;
use std::pin::Pin;

/// A boxed, sendable future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Blocking work ended without an answer: it panicked, or the runtime is shutting down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockingLost;

impl std::fmt::Display for BlockingLost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("background work ended without an answer; the process is stopping or the work panicked")
    }
}

impl std::error::Error for BlockingLost {}

/// Runs futures and blocking closures.
pub trait Tasks: Send + Sync {
    /// Runs `future` to its end in the background.
    fn spawn(&self, future: BoxFuture<'static, ()>);

    /// Runs `work` on a thread that may block. A simulation runs it in place.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>);
}

/// The current tokio runtime.
#[derive(Debug, Default)]
pub struct RealTasks;

impl Tasks for RealTasks {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_blocking(work);
    }
}
