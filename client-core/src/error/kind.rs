//! The closed list of error kinds. Numbers are part of the contract with every binding: never reuse one.

use std::fmt;

/// What went wrong, cut by what the caller can do about it.
///
/// The numbers and names are the same in every language (`contract/errors.toml`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum ErrorKind {
    /// The caller asked for something that can never work. Change the call.
    InvalidArgument = 1,
    /// The topic, partition, group or object does not exist. Create it, or correct the name.
    NotFound = 2,
    /// What was to be created exists already.
    AlreadyExists = 3,
    /// The state of the server does not allow it now (group not empty, newer version stored). Read again and decide.
    Conflict = 4,
    /// The server does not know who is calling. Give credentials.
    Unauthenticated = 5,
    /// The server knows who is calling and refuses.
    Denied = 6,
    /// No answer within the time given. The operation may or may not have taken effect.
    Timeout = 7,
    /// No server could be reached, or it cannot serve now. Try again later.
    Unavailable = 8,
    /// A record, batch or request is larger than a limit. Make it smaller or raise the limit.
    TooLarge = 9,
    /// The offset or timestamp asked for is not in the log.
    OutOfRange = 10,
    /// Data failed its checksum or does not parse.
    Corrupt = 11,
    /// The client was closed before the operation finished.
    Cancelled = 12,
    /// A defect in the client or the server. Report it.
    Internal = 13,
}

impl ErrorKind {
    /// The fixed number of this kind.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The fixed name of this kind, in CamelCase.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Unauthenticated => "Unauthenticated",
            Self::Denied => "Denied",
            Self::Timeout => "Timeout",
            Self::Unavailable => "Unavailable",
            Self::TooLarge => "TooLarge",
            Self::OutOfRange => "OutOfRange",
            Self::Corrupt => "Corrupt",
            Self::Cancelled => "Cancelled",
            Self::Internal => "Internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
