//! What a read gives.

use bytes::Bytes;

/// Whole batches, one after the other, in refcounted pieces. A piece may hold many batches, and a batch
/// may span pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slices {
    /// The bytes, in order.
    pub chunks: Vec<Bytes>,
    /// Their sum.
    pub bytes: usize,
    /// Where the next read goes on.
    pub next_offset: i64,
}

impl Slices {
    /// Nothing, at `offset`.
    #[must_use]
    pub fn empty(offset: i64) -> Self {
        Self {
            chunks: Vec::new(),
            bytes: 0,
            next_offset: offset,
        }
    }

    /// Whether there are no batches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}
