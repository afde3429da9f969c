//! One error for the whole client: a kind, the Kafka code where there is one, whether trying again can help,
//! a message that names the mend, and the cause.

mod kafka;
#[allow(clippy::too_many_lines, reason = "a generated table")]
mod kind;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub(crate) use kafka::is_stale_leader;
pub use kind::ErrorKind;

/// What a fallible call of this crate answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed. Cheap to clone: one failure is often told to many records.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    kafka_code: Option<i16>,
    retriable: bool,
    message: String,
    contexts: Vec<String>,
    source: Option<Arc<dyn StdError + Send + Sync + 'static>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                kafka_code: None,
                retriable: matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout),
                message: message.into(),
                contexts: Vec::new(),
                source: None,
            }),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Timeout, message)
    }

    pub(crate) fn cancelled(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Cancelled, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The error a broker's code stands for. `what` says what failed, on what; `detail` is the broker's own message.
    pub(crate) fn from_code(code: i16, what: &str, detail: Option<&str>) -> Self {
        kafka::from_code(code, what, detail)
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.edit().source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_retriable(mut self, retriable: bool) -> Self {
        self.edit().retriable = retriable;
        self
    }

    pub(crate) fn with_code(mut self, code: i16) -> Self {
        self.edit().kafka_code = Some(code);
        self
    }

    /// Adds what was being done when the error came up, outermost last.
    pub(crate) fn context(mut self, context: impl Into<String>) -> Self {
        self.edit().contexts.push(context.into());
        self
    }

    fn edit(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.inner)
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The code a Kafka broker answered, if the error came from one.
    pub fn kafka_code(&self) -> Option<i16> {
        self.inner.kafka_code
    }

    /// Whether the same call may succeed later, unchanged.
    pub fn is_retriable(&self) -> bool {
        self.inner.retriable
    }

    /// What failed, on what, and the mend; without the contexts that [`Display`](fmt::Display) adds.
    pub fn message(&self) -> &str {
        &self.inner.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.inner.contexts.iter().rev() {
            write!(f, "{context}: ")?;
        }
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.inner.kind);
        if let Some(code) = self.inner.kafka_code {
            out.field("kafka_code", &code);
        }
        out.field("retriable", &self.inner.retriable)
            .field("message", &self.to_string());
        if let Some(source) = &self.inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}
