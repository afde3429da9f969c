//! What can be wrong with bytes.

use core::fmt;

/// Bytes that are not a frame or an answer. It names the place, so that the author of a guest can find the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes end within something.
    Cut {
        /// What was being read.
        what: &'static str,
        /// Where it begins.
        at: usize,
    },
    /// A version that this side does not speak.
    Version(u8),
    /// A number that is none of those allowed, too large, or out of order.
    Invalid {
        /// What was being read.
        what: &'static str,
        /// Where it begins.
        at: usize,
    },
    /// Bytes are left after the end.
    Rest {
        /// Where the end was.
        at: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Cut { what, at } => write!(f, "the bytes end within {what} (byte {at})"),
            FrameError::Version(version) => write!(
                f,
                "version {version} of the frame is not spoken here; version {} is",
                crate::VERSION
            ),
            FrameError::Invalid { what, at } => write!(f, "{what} is not valid (byte {at})"),
            FrameError::Rest { at } => write!(f, "there are bytes after the end (byte {at})"),
        }
    }
}

impl core::error::Error for FrameError {}
