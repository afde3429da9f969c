//! What can go wrong, cut by who must mend it.

use tidemill_smartengine::{ChainError, Digest, SmartModuleError};

/// Why a module cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModulesError {
    /// The file is not a module, or cannot run as it is attached: mend it, or where it is attached.
    #[error(transparent)]
    Module(#[from] SmartModuleError),
    /// No such file is here: load it again.
    #[error("the file of module {0} is not on this server; load it again")]
    Unknown(Digest),
    /// The disk failed, or what it holds is damaged.
    #[error("the file of module {digest} cannot be {verb}: {reason}")]
    Disk {
        /// Which module.
        digest: Digest,
        /// `stored`, or `read`.
        verb: &'static str,
        /// What the disk said.
        reason: String,
    },
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// Why a stream's records could not be run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RunError {
    /// A module failed, and its stream is to fail with it.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The server is stopping, or the work was lost.
    #[error("the server is stopping")]
    Stopping,
}
