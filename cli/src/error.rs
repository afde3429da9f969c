//! What a failure says, and the code the process ends with.

use std::fmt::Write as _;
use std::process::ExitCode;

use tidemill_client::ErrorKind;

use crate::output;

/// A failure that names its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const NOT_FOUND: u8 = 3;
    pub(crate) const CONFLICT: u8 = 4;
    pub(crate) const NO_CONNECTION: u8 = 5;
    pub(crate) const TIMEOUT: u8 = 6;
    pub(crate) const DAMAGED: u8 = 7;
    pub(crate) const CHANGES: u8 = 10;
    pub(crate) const INTERRUPTED: u8 = 130;
    pub(crate) const TERMINATED: u8 = 143;

    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Wrong usage that the parser of arguments cannot see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Self::USAGE, message)
    }

    /// Ends the process with a code; all that is to say has been said.
    pub(crate) fn silent(code: u8) -> Self {
        Self::new(code, "")
    }
}

/// Whoever reads our output has seen enough.
#[derive(Debug, thiserror::Error)]
#[error("the output was closed")]
pub(crate) struct OutputClosed;

/// Prints the error and answers the exit code that says what kind it was.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<OutputClosed>().is_some() {
        return ExitCode::SUCCESS;
    }
    let message = describe(error);
    if !message.is_empty() {
        output::tell(format_args!("error: {message}"));
    }
    ExitCode::from(code(error))
}

/// The message and its causes; but an error of the client says its cause itself.
fn describe(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let separator = if message.is_empty() { "" } else { ": " };
        let _ = write!(message, "{separator}{cause}");
        if cause.is::<tidemill_client::Error>() {
            break;
        }
    }
    message
}

/// The exit code of an error.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.code;
        }
        if let Some(error) = cause.downcast_ref::<tidemill_client::Error>() {
            return code_of(error.kind());
        }
    }
    1
}

fn code_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidArgument | ErrorKind::TooLarge | ErrorKind::OutOfRange => Failure::USAGE,
        ErrorKind::NotFound => Failure::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => Failure::CONFLICT,
        ErrorKind::Unavailable => Failure::NO_CONNECTION,
        ErrorKind::Timeout => Failure::TIMEOUT,
        ErrorKind::Corrupt => Failure::DAMAGED,
        ErrorKind::Unauthenticated | ErrorKind::Denied => 8,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_comes_from_the_first_cause_that_has_one() {
        let error = anyhow::Error::from(Failure::new(7, "lost 3 records")).context("verifying");
        assert_eq!(code(&error), 7);
        assert_eq!(describe(&error), "verifying: lost 3 records");
        assert_eq!(code(&anyhow::anyhow!("other")), 1);
    }
}
