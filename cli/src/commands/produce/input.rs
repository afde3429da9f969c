//! Reads input on a thread of its own, so that waiting for a line never holds up the sending of those before.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;

use super::{Options, Shape, json_line};
use crate::error::Failure;

/// What is read at once: at most this many bytes.
const BUFFER: usize = 256 << 10;
/// Chunks read ahead of the sending.
const AHEAD: usize = 8;
/// A longer line is no line, and would fill the memory.
const LONGEST_LINE: usize = 256 << 20;

/// A header's name and value.
pub(in crate::commands) type Header = (String, Option<Vec<u8>>);

/// A record to send.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Draft {
    pub(in crate::commands) key: Option<Vec<u8>>,
    pub(in crate::commands) value: Option<Vec<u8>>,
    pub(in crate::commands) headers: Vec<Header>,
    pub(in crate::commands) partition: Option<i32>,
    pub(in crate::commands) timestamp: Option<i64>,
    /// How many bytes of input it was.
    pub(in crate::commands) bytes: u64,
}

/// Some records.
pub(super) struct Chunk {
    pub(super) drafts: Vec<Draft>,
}

/// How many bytes of input there are, if that is known beforehand.
pub(super) fn size(options: &Options) -> Option<u64> {
    let paths = if options.shape.files.is_empty() {
        &options.inputs
    } else {
        &options.shape.files
    };
    if paths.is_empty() {
        return None;
    }
    paths
        .iter()
        .map(|path| {
            path.metadata()
                .ok()
                .filter(|found| found.is_file())
                .map(|found| found.len())
        })
        .sum()
}

/// Starts reading. The end of the channel is the end of the input; an error is its last message.
pub(super) fn start(options: &Options) -> mpsc::Receiver<Result<Chunk>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let (shape, inputs) = (options.shape.clone(), options.inputs.clone());
    std::thread::spawn(move || {
        let mut reader = Reader {
            shape,
            sender,
            line: 0,
        };
        if let Err(error) = reader.read(&inputs)
            && error.downcast_ref::<Stopped>().is_none()
        {
            let _ = reader.sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// Nobody takes records any more.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
struct Stopped;

struct Reader {
    shape: Shape,
    sender: mpsc::Sender<Result<Chunk>>,
    /// The last line read of the present input, from 1.
    line: u64,
}

impl Reader {
    fn read(&mut self, inputs: &[PathBuf]) -> Result<()> {
        let files = self.shape.files.clone();
        for path in &files {
            self.whole_file(path)?;
        }
        if !files.is_empty() {
            return Ok(());
        }
        if inputs.is_empty() {
            return self.lines(io::stdin().lock(), "standard input");
        }
        for path in inputs {
            if path.as_os_str() == "-" {
                self.lines(io::stdin().lock(), "standard input")?;
            } else {
                let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
                self.lines(file, &path.display().to_string())?;
            }
        }
        Ok(())
    }

    fn whole_file(&self, path: &Path) -> Result<()> {
        let value = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let draft = Draft {
            bytes: value.len() as u64,
            value: Some(value),
            ..Draft::default()
        };
        self.hand_on(vec![self.complete(draft)])
    }

    /// Hands on the lines that have arrived as soon as no more are there.
    fn lines(&mut self, input: impl Read, name: &str) -> Result<()> {
        self.line = 0;
        let mut input = BufReader::with_capacity(BUFFER, input);
        let mut line: Vec<u8> = Vec::new();
        loop {
            let arrived = input.fill_buf().with_context(|| format!("cannot read {name}"))?;
            let (size, at_end) = (arrived.len(), arrived.is_empty());
            let mut drafts = Vec::new();
            let outcome = self.divide(arrived, &mut line, name, &mut drafts);
            input.consume(size);
            self.hand_on(drafts)?;
            // What came before a mistake is sent.
            outcome?;
            if at_end {
                return Ok(());
            }
        }
    }

    /// Makes records of the lines that end in `arrived`, the first of which begins with `line`; what is left of
    /// the last is put there. At the end of the input `arrived` is empty, and `line` the last line.
    fn divide(
        &mut self,
        arrived: &[u8],
        line: &mut Vec<u8>,
        name: &str,
        drafts: &mut Vec<Draft>,
    ) -> Result<()> {
        let mut rest = arrived;
        let at_end = arrived.is_empty();
        loop {
            rest.read_until(b'\n', line)
                .with_context(|| format!("cannot read {name}"))?;
            let whole = line.last() == Some(&b'\n') || (at_end && !line.is_empty());
            if !whole && line.len() <= LONGEST_LINE {
                return Ok(());
            }
            self.line += 1;
            if line.len() > LONGEST_LINE {
                let message = format!(
                    "{name}, line {}: it is longer than {}; send a whole file as one record with --file",
                    self.line,
                    crate::output::bytes(LONGEST_LINE as u64)
                );
                bail!(Failure::usage(message));
            }
            drafts.extend(self.draft(std::mem::take(line), name)?);
        }
    }

    /// The record of a line; nothing for an empty line between JSON lines.
    fn draft(&self, mut line: Vec<u8>, name: &str) -> Result<Option<Draft>> {
        let bytes = line.len() as u64;
        if line.ends_with(b"\n") {
            line.pop();
        }
        if line.ends_with(b"\r") {
            line.pop();
        }
        if self.shape.json_lines {
            if line.trim_ascii().is_empty() {
                return Ok(None);
            }
            let draft = json_line::read(&line)
                .map_err(|reason| Failure::usage(format!("{name}, line {}: {reason}", self.line)))?;
            return Ok(Some(self.complete(Draft { bytes, ..draft })));
        }
        let (key, value) = match &self.shape.key_separator {
            Some(separator) => split(line, separator.as_bytes()),
            None => (None, line),
        };
        Ok(Some(self.complete(Draft {
            key,
            value: Some(value),
            bytes,
            ..Draft::default()
        })))
    }

    /// Adds what every record gets.
    fn complete(&self, mut draft: Draft) -> Draft {
        let shape = &self.shape;
        if let (Some(value), Some(null)) = (&draft.value, &shape.null)
            && value == null.as_bytes()
        {
            draft.value = None;
        }
        draft.key = draft
            .key
            .or_else(|| shape.key.as_ref().map(|key| key.clone().into_bytes()));
        draft.partition = draft.partition.or(shape.partition);
        let headers = shape.headers.iter();
        draft
            .headers
            .extend(headers.map(|header| (header.name.clone(), Some(header.value.clone().into_bytes()))));
        draft
    }

    fn hand_on(&self, drafts: Vec<Draft>) -> Result<()> {
        if drafts.is_empty() {
            return Ok(());
        }
        self.sender
            .blocking_send(Ok(Chunk { drafts }))
            .map_err(|_| Stopped.into())
    }
}

/// Key and value around the first separator; no key where there is none.
fn split(mut line: Vec<u8>, separator: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
    let found = line
        .windows(separator.len().max(1))
        .position(|part| part == separator);
    match found {
        Some(at) => {
            let value = line.split_off(at + separator.len());
            line.truncate(at);
            (Some(line), value)
        }
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_first_separator_divides() {
        let divided = |line: &str, separator: &str| {
            let (key, value) = split(line.as_bytes().to_vec(), separator.as_bytes());
            (
                key.map(|key| String::from_utf8(key).unwrap()),
                String::from_utf8(value).unwrap(),
            )
        };
        let pair = |key: &str, value: &str| (Some(key.to_owned()), value.to_owned());
        assert_eq!(divided("a:b:c", ":"), pair("a", "b:c"));
        assert_eq!(divided("a=>b", "=>"), pair("a", "b"));
        assert_eq!(divided(":v", ":"), pair("", "v"));
        assert_eq!(divided("plain", ":"), (None, "plain".to_owned()));
        assert_eq!(divided("", ":"), (None, String::new()));
    }
}
