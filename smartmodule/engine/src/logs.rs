//! What a module writes for people: its log, and what it prints.

use std::sync::{Arc, Mutex, PoisonError};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the author of a module.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// From the number that a guest gave; one that is none is taken for information.
    pub(crate) fn of(number: u32) -> Level {
        match number {
            0 => Level::Debug,
            2 => Level::Warn,
            3 => Level::Error,
            _ => Level::Info,
        }
    }

    /// In small letters, as in a log record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// The text, without its line end.
    pub text: String,
}

/// Takes the lines of an instance after each call. It must not block.
pub trait LogSink: Send + Sync {
    /// The lines of one call, in order. `dropped` more were too many.
    fn lines(&self, lines: Vec<LogLine>, dropped: u64);
}

/// Lines that one call may write; more are counted and dropped.
const LINES_A_CALL: usize = 100;
/// Bytes of one line; longer ones are cut.
const LINE_BYTES: usize = 4096;

/// The lines of a call that is running.
#[derive(Clone, Default)]
pub(crate) struct CallLog {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    lines: Vec<LogLine>,
    dropped: u64,
    /// What was printed since the last line end.
    printed: Vec<u8>,
}

impl CallLog {
    pub(crate) fn line(&self, level: Level, text: &[u8]) {
        self.with(|inner| inner.push(level, text));
    }

    /// Takes what the guest printed, line by line.
    pub(crate) fn print(&self, level: Level, bytes: &[u8]) {
        self.with(|inner| {
            for part in bytes.split_inclusive(|byte| *byte == b'\n') {
                let room = LINE_BYTES.saturating_sub(inner.printed.len());
                inner.printed.extend_from_slice(&part[..part.len().min(room)]);
                if part.ends_with(b"\n") {
                    inner.end_line(level);
                }
            }
        });
    }

    /// Hands the lines over, if there are any.
    pub(crate) fn drain(&self, sink: &dyn LogSink) {
        let taken = self.with(|inner| {
            inner.end_line(Level::Info);
            (!inner.lines.is_empty()).then(|| {
                (
                    std::mem::take(&mut inner.lines),
                    std::mem::take(&mut inner.dropped),
                )
            })
        });
        if let Some((lines, dropped)) = taken {
            sink.lines(lines, dropped);
        }
    }

    /// What the guest last said of an error in this call: a panic says there what happened.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.with(|inner| {
            let errors = inner.lines.iter().rev();
            errors
                .filter(|line| line.level >= Level::Warn)
                .map(|line| line.text.clone())
                .next()
        })
    }

    fn with<T>(&self, then: impl FnOnce(&mut Inner) -> T) -> T {
        then(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn push(&mut self, level: Level, text: &[u8]) {
        if self.lines.len() >= LINES_A_CALL {
            self.dropped += 1;
            return;
        }
        let text = String::from_utf8_lossy(&text[..text.len().min(LINE_BYTES)]).into_owned();
        self.lines.push(LogLine { level, text });
    }

    fn end_line(&mut self, level: Level) {
        let mut printed = std::mem::take(&mut self.printed);
        while printed.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            printed.pop();
        }
        if !printed.is_empty() {
            self.push(level, &printed);
        }
    }
}
