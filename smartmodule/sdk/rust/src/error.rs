//! What went wrong with a record, in words.

use std::fmt;

/// Why a record, or a start, failed: text for the people who run the stream.
///
/// Every error converts into it, so `?` works everywhere; `Error::new` and `.into()` of text make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
}

/// A result whose error is text for people.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// From text.
    pub fn new(message: impl Into<String>) -> Error {
        Error {
            message: message.into(),
        }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }
}

// Not `std::error::Error` itself, or it could not be made of every other.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Error {
        Error::new(error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
