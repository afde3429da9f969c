//! What responses are made of.

use bytes::{Buf, Bytes};
use tidemill_env::FileRange;
use tidemill_wire::fetch;

/// A part of a response.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Bytes in memory, shared with the log where they are records.
    Bytes(Bytes),
    /// Stored batches that the system sends from their file.
    File(FileRange),
}

impl Piece {
    /// Bytes that it sends.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(range) => range.len(),
        }
    }

    /// Whether it sends nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, where it has them.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::File(_) => None,
        }
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.bytes().map_or(0, Bytes::len)
    }

    /// Leaves out the first `count` bytes, which there are.
    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::File(range) => range.advance(count),
        }
    }
}

impl Default for Piece {
    /// One that sends nothing.
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl fetch::Piece for Piece {
    fn size(&self) -> usize {
        self.len()
    }
}
