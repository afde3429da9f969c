//! Whose turn it is to flush.

use std::sync::atomic::{AtomicU8, Ordering};

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
/// Running, and asked for since it began.
const AGAIN: u8 = 2;

/// Sees to it that one flush runs at a time and that each that was asked for is done: who asks while one
/// runs, which may have looked at the log's end already, has another follow.
///
/// What waits for the disk is no measure of it: others make the log durable as well, and a commit is
/// announced by the flush alone. All is in one variable, so that an asker and the flush that ends cannot
/// each see the other's former state.
#[derive(Debug, Default)]
pub(crate) struct FlushTurn(AtomicU8);

impl FlushTurn {
    /// Asks for a flush that sees what the caller did before. Answers whether the caller must start it;
    /// if not, the one that runs goes on.
    pub(crate) fn ask(&self) -> bool {
        self.change(|state| if state == IDLE { RUNNING } else { AGAIN }) == IDLE
    }

    /// A flush is done. Answers whether another must follow; if not, the turn is over.
    pub(crate) fn again(&self) -> bool {
        self.change(|state| if state == AGAIN { RUNNING } else { IDLE }) == AGAIN
    }

    /// Answers the state from before.
    fn change(&self, to: impl Fn(u8) -> u8) -> u8 {
        let changed = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| Some(to(state)));
        changed.unwrap_or_else(|state| state)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn one_starts_and_all_that_ask_meanwhile_share_the_next() {
        let turn = FlushTurn::default();
        assert!(turn.ask());
        assert!(!turn.ask());
        assert!(!turn.ask());
        assert!(turn.again());
        assert!(!turn.again());
        assert!(turn.ask());
        assert!(!turn.again());
    }

    #[test]
    fn between_threads_nothing_that_was_asked_for_is_left_undone() {
        const ASKS: u64 = 100_000;
        let (turn, done) = (FlushTurn::default(), AtomicU64::new(0));
        let asked = AtomicU64::new(0);
        let flush = || {
            loop {
                done.fetch_max(asked.load(Ordering::Relaxed), Ordering::Relaxed);
                if !turn.again() {
                    return;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..ASKS {
                        asked.fetch_add(1, Ordering::Relaxed);
                        if turn.ask() {
                            flush();
                        }
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 2 * ASKS);
    }
}
