//! The kinds of errors, as `contract/errors.toml` numbers them.

use axum::http::StatusCode;

/// What the caller should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum ErrorKind {
    /// Change the request as the message says.
    InvalidArgument = 1,
    /// Check the name, or create it.
    NotFound = 2,
    /// Alter it, or choose another name.
    AlreadyExists = 3,
    /// Read it again and decide anew.
    Conflict = 4,
    /// Give valid credentials.
    Unauthenticated = 5,
    /// Ask whoever keeps the roles and policies.
    Denied = 6,
    /// Whether it took effect is unknown.
    Timeout = 7,
    /// Try again, later each time.
    Unavailable = 8,
    /// Make it smaller.
    TooLarge = 9,
    /// Start from another position.
    OutOfRange = 10,
    /// Do not use the data.
    Corrupt = 11,
    /// The caller ended it.
    Cancelled = 12,
    /// Report it with the log.
    Internal = 13,
}

impl ErrorKind {
    /// Name, HTTP status and whether the same request may succeed later.
    fn row(self) -> (&'static str, u16, bool) {
        match self {
            Self::InvalidArgument => ("InvalidArgument", 400, false),
            Self::NotFound => ("NotFound", 404, false),
            Self::AlreadyExists => ("AlreadyExists", 409, false),
            Self::Conflict => ("Conflict", 412, false),
            Self::Unauthenticated => ("Unauthenticated", 401, false),
            Self::Denied => ("Denied", 403, false),
            Self::Timeout => ("Timeout", 504, true),
            Self::Unavailable => ("Unavailable", 503, true),
            Self::TooLarge => ("TooLarge", 413, false),
            Self::OutOfRange => ("OutOfRange", 416, false),
            Self::Corrupt => ("Corrupt", 422, false),
            Self::Cancelled => ("Cancelled", 499, false),
            Self::Internal => ("Internal", 500, false),
        }
    }

    /// Its fixed number.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Its fixed name.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(self) -> bool {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    const ALL: [ErrorKind; 13] = [
        ErrorKind::InvalidArgument,
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::Conflict,
        ErrorKind::Unauthenticated,
        ErrorKind::Denied,
        ErrorKind::Timeout,
        ErrorKind::Unavailable,
        ErrorKind::TooLarge,
        ErrorKind::OutOfRange,
        ErrorKind::Corrupt,
        ErrorKind::Cancelled,
        ErrorKind::Internal,
    ];

    #[test]
    fn the_kinds_are_those_of_the_table() {
        let table: toml::Table = include_str!("../../../../contract/errors.toml").parse().unwrap();
        let rows = table["kind"].as_array().unwrap();
        assert_eq!(rows.len(), ALL.len());
        for (row, kind) in rows.iter().zip(ALL) {
            assert_eq!(row["name"].as_str(), Some(kind.name()));
            assert_eq!(row["number"].as_integer(), Some(i64::from(kind.number())));
            assert_eq!(row["http"].as_integer(), Some(i64::from(kind.status().as_u16())));
            assert_eq!(row["retriable"].as_bool(), Some(kind.is_retriable()));
        }
    }
}
