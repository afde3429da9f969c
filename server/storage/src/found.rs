//! What a search gives.

use tidemill_env::FileRange;

use crate::slices::Slices;

/// Whole batches: in memory, or by their place in a file.
#[derive(Debug, Clone)]
pub enum Found {
    /// The batches themselves.
    Read(Slices),
    /// Where they are.
    Stored(Stored),
}

/// Whole batches that lie one after the other in a file. They stay there as long as this lives, whatever happens to
/// the log, save that a log may be cut above what is committed.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The bytes.
    pub range: FileRange,
    /// Records in them.
    pub records: u64,
    /// Where the next read goes on.
    pub next_offset: i64,
}

impl Found {
    /// Bytes of the batches.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Read(slices) => slices.bytes,
            Self::Stored(stored) => stored.range.len(),
        }
    }

    /// Where the next read goes on.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        match self {
            Self::Read(slices) => slices.next_offset,
            Self::Stored(stored) => stored.next_offset,
        }
    }
}
