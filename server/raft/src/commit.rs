//! Waiting for the high watermark.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::replicator::ReplicateError;

/// Completes when the records it stands for are committed, or never will be.
/// Dropping it cancels the wait, not the commit.
#[derive(Debug)]
pub struct Commit(State);

#[derive(Debug)]
enum State {
    Done(Option<ReplicateError>),
    Waiting {
        outcome: oneshot::Receiver<Result<(), ReplicateError>>,
        log: String,
    },
}

impl Commit {
    /// A commit that has already happened.
    #[must_use]
    pub fn done() -> Self {
        Self(State::Done(None))
    }

    /// A commit that cannot happen.
    #[must_use]
    pub fn failed(error: ReplicateError) -> Self {
        Self(State::Done(Some(error)))
    }

    /// Whether awaiting it answers at once.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.0, State::Done(_))
    }
}

impl Future for Commit {
    type Output = Result<(), ReplicateError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Done(error) => Poll::Ready(error.take().map_or(Ok(()), Err)),
            State::Waiting { outcome, log } => Pin::new(outcome).poll(cx).map(|received| {
                // The sender is dropped only when the replicator is.
                received.unwrap_or_else(|_| {
                    Err(ReplicateError::Closed {
                        log: std::mem::take(log),
                    })
                })
            }),
        }
    }
}

/// Waiters and the offsets that they wait for.
type Waiting = VecDeque<(i64, oneshot::Sender<Result<(), ReplicateError>>)>;

/// Those who wait, in offset order: a flush wakes exactly the ones it covers.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    waiting: Mutex<Waiting>,
}

impl CommitQueue {
    /// A wait for `offset`. The caller looks at the watermark again afterwards: it may have moved
    /// between its look and this call.
    pub(crate) fn wait(&self, offset: i64, log: &str) -> Commit {
        let (send, outcome) = oneshot::channel();
        let mut waiting = self.lock();
        // Proposals come nearly in order, so the place is at or near the end.
        let at = waiting
            .iter()
            .rposition(|(other, _)| *other <= offset)
            .map_or(0, |i| i + 1);
        waiting.insert(at, (offset, send));
        Commit(State::Waiting {
            outcome,
            log: log.to_owned(),
        })
    }

    /// Wakes all that wait for offsets up to `high_watermark`.
    pub(crate) fn release(&self, high_watermark: i64) {
        let mut waiting = self.lock();
        while waiting
            .front()
            .is_some_and(|(offset, _)| *offset <= high_watermark)
        {
            if let Some((_, waiter)) = waiting.pop_front() {
                // Whoever waited may have left.
                let _ = waiter.send(Ok(()));
            }
        }
    }

    /// Tells all that wait that their records will not be committed.
    pub(crate) fn fail(&self, error: &ReplicateError) {
        for (_, waiter) in self.lock().drain(..) {
            let _ = waiter.send(Err(error.clone()));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // No code that holds the lock can leave the queue half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
