//! Why the log could not do what was asked.

/// What went wrong, cut by what the caller does next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// The offset is not in the log: tell the reader where the log begins and ends.
    #[error("offset {offset} is outside the log, which spans {start} to {end}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: i64,
        /// First offset.
        start: i64,
        /// One past the last offset.
        end: i64,
    },
    /// An earlier write or sync failed: the log takes nothing more until it is opened again. What was
    /// durable stays readable.
    #[error("log {dir} has failed: {reason}")]
    Failed {
        /// The log's directory.
        dir: String,
        /// The first failure.
        reason: String,
    },
    /// The disk is full. The log has failed as with [`StorageError::Failed`].
    #[error("log {dir} cannot grow: the disk is full")]
    Full {
        /// The log's directory.
        dir: String,
    },
    /// Stored bytes do not make sense.
    #[error("log {dir} is damaged at {what}")]
    Corrupt {
        /// The log's directory.
        dir: String,
        /// Where and how.
        what: String,
    },
    /// The disk refused an operation; the log as it was still stands.
    #[error("{what} failed: {reason}")]
    Io {
        /// The operation and the file.
        what: String,
        /// The system's words.
        reason: String,
    },
}

impl StorageError {
    /// An operation that failed on `path`.
    pub(crate) fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Io {
            what: format!("{what} {}", path.display()),
            reason: error.to_string(),
        }
    }
}
