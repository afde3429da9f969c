//! Reads input on a thread of its own, so that waiting for a line never holds up the sending of those before.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::sync::mpsc;

use super::{Options, Shape, json_line};
use crate::error::Failure;

/// What is read at once: at most this many bytes.
const BUFFER: usize = 256 << 10;
/// Chunks read ahead of the sending.
const AHEAD: usize = 8;

/// A header's name and value.
pub(super) type Header = (String, Option<Vec<u8>>);

/// A record to send.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<Header>,
    pub(super) partition: Option<i32>,
    pub(super) timestamp: Option<i64>,
}

/// Some records, and how many bytes of input they were.
pub(super) struct Chunk {
    pub(super) drafts: Vec<Draft>,
    pub(super) bytes: u64,
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
        let bytes = value.len() as u64;
        let draft = self.complete(Draft {
            value: Some(value),
            ..Draft::default()
        });
        self.hand_on(Chunk {
            drafts: vec![draft],
            bytes,
        })
    }

    /// Hands on the lines that have arrived as soon as no more are there.
    fn lines(&mut self, input: impl Read, name: &str) -> Result<()> {
        self.line = 0;
        let mut input = BufReader::with_capacity(BUFFER, input);
        let mut partial: Vec<u8> = Vec::new();
        loop {
            let arrived = input.fill_buf().with_context(|| format!("cannot read {name}"))?;
            let size = arrived.len();
            let at_end = size == 0;
            let mut drafts = Vec::new();
            let mut rest = arrived;
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let (line, after) = rest.split_at(end);
                self.line += 1;
                if partial.is_empty() {
                    drafts.extend(self.draft(line, name)?);
                } else {
                    partial.extend_from_slice(line);
                    drafts.extend(self.draft(&std::mem::take(&mut partial), name)?);
                }
                rest = after.get(1..).unwrap_or_default();
            }
            partial.extend_from_slice(rest);
            if at_end && !partial.is_empty() {
                self.line += 1;
                drafts.extend(self.draft(&std::mem::take(&mut partial), name)?);
            }
            input.consume(size);
            self.hand_on(Chunk {
                drafts,
                bytes: size as u64,
            })?;
            if at_end {
                return Ok(());
            }
        }
    }

    /// The record of a line; nothing for an empty line between JSON lines.
    fn draft(&self, line: &[u8], name: &str) -> Result<Option<Draft>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.shape.json_lines {
            if line.trim_ascii().is_empty() {
                return Ok(None);
            }
            let draft = json_line::read(line)
                .map_err(|reason| Failure::usage(format!("{name}, line {}: {reason}", self.line)))?;
            return Ok(Some(self.complete(draft)));
        }
        let (key, value) = match &self.shape.key_separator {
            Some(separator) => split(line, separator.as_bytes()),
            None => (None, line),
        };
        let draft = Draft {
            key: key.map(<[u8]>::to_vec),
            value: Some(value.to_vec()),
            ..Draft::default()
        };
        Ok(Some(self.complete(draft)))
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

    fn hand_on(&self, chunk: Chunk) -> Result<()> {
        self.sender.blocking_send(Ok(chunk)).map_err(|_| Stopped.into())
    }
}

/// Key and value around the first separator; no key where there is none.
fn split<'a>(line: &'a [u8], separator: &[u8]) -> (Option<&'a [u8]>, &'a [u8]) {
    let found = line
        .windows(separator.len().max(1))
        .position(|part| part == separator);
    match found.and_then(|at| Some((line.get(..at)?, line.get(at + separator.len()..)?))) {
        Some((key, value)) => (Some(key), value),
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_first_separator_divides() {
        assert_eq!(split(b"a:b:c", b":"), (Some(&b"a"[..]), &b"b:c"[..]));
        assert_eq!(split(b"a=>b", b"=>"), (Some(&b"a"[..]), &b"b"[..]));
        assert_eq!(split(b"plain", b":"), (None, &b"plain"[..]));
        assert_eq!(split(b":v", b":"), (Some(&b""[..]), &b"v"[..]));
        assert_eq!(split(b"", b":"), (None, &b""[..]));
    }
}
