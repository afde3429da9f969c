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

    /// Gives out what is over the bounds, to be dropped without the lock: freeing an instance takes a moment.
    pub(crate) fn excess(&mut self, bounds: &Bounds, now: Duration) -> Vec<Chain> {
        let mut excess = Vec::new();
        while let Some(first) = self.entries.front() {
            let old = now.saturating_sub(first.since) > bounds.time;
            if !(old || self.entries.len() > bounds.chains || self.memory > bounds.memory) {
                break;
            }
            if let Some(entry) = self.entries.pop_front() {
                self.memory = self.memory.saturating_sub(entry.memory);
                excess.push(entry.chain);
            }
        }
        excess
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory
    }
}
