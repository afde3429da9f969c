//! Recent batches in memory, so that readers at the end of the log cost no disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::slices::Slices;

/// Memory that many logs share. A log that grows while the whole is spent gives up its own oldest
/// batches; a log that rests gives all back at its next maintenance.
#[derive(Debug)]
pub struct CacheBudget {
    limit: usize,
    used: AtomicUsize,
}

impl CacheBudget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    /// Bytes held now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// One stored batch: its patched header apart from the rest, which is still the producer's buffer.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    pub(crate) base_offset: i64,
    pub(crate) next_offset: i64,
    pub(crate) header: Bytes,
    pub(crate) rest: Bytes,
}

impl Cached {
    fn len(&self) -> usize {
        self.header.len() + self.rest.len()
    }
}

/// The newest batches of one log, without gaps.
#[derive(Debug)]
pub(crate) struct TailCache {
    batches: VecDeque<Cached>,
    bytes: usize,
    budget: Arc<CacheBudget>,
    /// Whether anything came since the last rest.
    touched: bool,
}

impl TailCache {
    pub(crate) fn new(budget: Arc<CacheBudget>) -> Self {
        Self {
            batches: VecDeque::new(),
            bytes: 0,
            budget,
            touched: false,
        }
    }

    pub(crate) fn push(&mut self, batch: Cached, limit: usize) {
        self.touched = true;
        self.bytes += batch.len();
        self.budget.used.fetch_add(batch.len(), Ordering::Relaxed);
        self.batches.push_back(batch);
        while self.bytes > limit || (self.budget.used() > self.budget.limit && !self.batches.is_empty()) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(gone) = self.batches.pop_front() {
            self.bytes -= gone.len();
            self.budget.used.fetch_sub(gone.len(), Ordering::Relaxed);
        }
    }

    pub(crate) fn clear(&mut self) {
        while !self.batches.is_empty() {
            self.pop();
        }
        self.batches.shrink_to_fit();
    }

    /// Forgets batches that end at or below `offset`.
    pub(crate) fn forget_below(&mut self, offset: i64) {
        while self
            .batches
            .front()
            .is_some_and(|batch| batch.next_offset <= offset)
        {
            self.pop();
        }
    }

    /// Gives the memory back when nothing came since the last call.
    pub(crate) fn rest(&mut self) {
        if !std::mem::take(&mut self.touched) {
            self.clear();
        }
    }

    /// Batches from the one that holds `from`, whole, below `upto`, at least one. `None` when `from`
    /// is older than what is held.
    pub(crate) fn read(&self, from: i64, upto: i64, max_bytes: usize) -> Option<Slices> {
        let first = self.batches.partition_point(|batch| batch.next_offset <= from);
        let found = self.batches.get(first)?;
        // Offsets between two held batches are none that this log ever gave.
        if first == 0 && found.base_offset > from {
            return None;
        }
        let mut slices = Slices::empty(from);
        for batch in self.batches.range(first..) {
            let full = !slices.is_empty() && slices.bytes + batch.len() > max_bytes;
            if full || batch.base_offset >= upto {
                break;
            }
            slices.bytes += batch.len();
            slices.next_offset = batch.next_offset;
            slices.chunks.push(batch.header.clone());
            if !batch.rest.is_empty() {
                slices.chunks.push(batch.rest.clone());
            }
        }
        Some(slices)
    }
}

impl Drop for TailCache {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;
