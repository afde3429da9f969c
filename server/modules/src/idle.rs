//! Chains that nobody runs at the moment.

use std::collections::VecDeque;
use std::time::Duration;

use tidemill_smartengine::Chain;

/// Whose a chain is. One without state serves any partition at any place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) stream: u64,
    /// Partition and next offset; `None` when it has no state.
    pub(crate) at: Option<(i32, i64)>,
}

struct Entry {
    key: Key,
    chain: Chain,
    memory: usize,
    since: Duration,
}

/// Idle chains, longest idle first.
#[derive(Default)]
pub(crate) struct Idle {
    entries: VecDeque<Entry>,
    memory: usize,
}

/// What may be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) chains: usize,
    pub(crate) memory: usize,
    pub(crate) time: Duration,
    pub(crate) time_with_state: Duration,
}

impl Idle {
    /// The chain of `key` that was used last.
    pub(crate) fn take(&mut self, key: Key) -> Option<Chain> {
        let at = self.entries.iter().rposition(|entry| entry.key == key)?;
        let entry = self.entries.remove(at)?;
        self.memory = self.memory.saturating_sub(entry.memory);
        Some(entry.chain)
    }

    pub(crate) fn put(&mut self, key: Key, chain: Chain, now: Duration) {
        let memory = chain.memory();
        self.memory = self.memory.saturating_add(memory);
        self.entries.push_back(Entry {
            key,
            chain,
            memory,
            since: now,
        });
    }

    /// Gives out what is over the bounds, to be dropped without the lock: freeing an instance takes a moment. Chains
    /// with state stay as long as they can, since what they remember may be more than can be rebuilt.
    pub(crate) fn excess(&mut self, bounds: &Bounds, now: Duration) -> Vec<Chain> {
        let mut excess = Vec::new();
        while let Some(at) = self.first_over(bounds, now) {
            let Some(entry) = self.entries.remove(at) else {
                break;
            };
            self.memory = self.memory.saturating_sub(entry.memory);
            excess.push(entry.chain);
        }
        excess
    }

    fn first_over(&self, bounds: &Bounds, now: Duration) -> Option<usize> {
        let stateless = self.entries.iter().position(|entry| entry.key.at.is_none());
        if self.entries.len() > bounds.chains || self.memory > bounds.memory {
            return stateless.or_else(|| (!self.entries.is_empty()).then_some(0));
        }
        let old = |entry: &Entry| {
            let most = match entry.key.at {
                None => bounds.time,
                Some(_) => bounds.time_with_state,
            };
            now.saturating_sub(entry.since) > most
        };
        self.entries.iter().position(old)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory
    }
}
