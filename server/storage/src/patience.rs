//! Whether a read may wait for the device.

use std::io;

use bytes::Bytes;
use tidemill_env::DiskFile;

/// How a read is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// From the device if need be; on a thread that may block.
    Wait,
    /// From memory or not at all (`WouldBlock`); on any thread.
    Never,
}

impl Patience {
    pub(crate) fn read(self, file: &dyn DiskFile, offset: u64, len: usize) -> io::Result<Bytes> {
        match self {
            Self::Wait => file.read_at(offset, len),
            Self::Never => file.read_cached_at(offset, len),
        }
    }
}
