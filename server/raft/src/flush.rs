//! How durable a committed record is.

use std::time::Duration;

/// When bytes are forced to disk, and so what a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushPolicy {
    /// Committed means on disk: one `fdatasync` covers all that waits for it (group commit).
    /// Survives a power cut.
    Always,
    /// Committed means in the page cache, on disk at most this long after.
    /// Survives the end of the process; a power cut loses at most the interval.
    Interval(Duration),
    /// Committed means in the page cache; the operating system writes it when it likes.
    Os,
}

impl FlushPolicy {
    /// Whether a commit waits for the disk.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Always)
    }
}

/// Unsynced bytes that start a flush whatever the policy: it keeps the kernel's own write-back, which
/// stops writers for seconds when it falls behind, out of the data path.
pub(crate) const WRITE_BACK_BYTES: u64 = 64 << 20;
