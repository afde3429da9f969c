//! Walking the batches of a segment.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tidemill_env::DiskFile;
use tidemill_wire::batch::{Batch, BatchError, BatchHeader, HEADER_LEN};

use crate::patience::Patience;

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;
/// As much, when a few headers are wanted: those between two entries of an index.
const BRIEF: usize = 4 << 10;

/// Reads headers (and whole batches, when asked) one after the other, up to a fixed end.
pub(crate) struct Walk {
    file: Arc<dyn DiskFile>,
    end: u64,
    position: u64,
    chunk: Bytes,
    chunk_at: u64,
    chunk_len: usize,
    patience: Patience,
}

/// A batch's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) header: BatchHeader,
    pub(crate) position: u64,
}

impl Step {
    /// Where the batch ends.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.header.size() as u64
    }
}

/// Why the walk cannot go on from where it stands.
pub(crate) enum Stop {
    /// What is there is no batch: torn, or damaged.
    Bad(String),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Walk {
    pub(crate) fn new(file: Arc<dyn DiskFile>, position: u64, end: u64) -> Self {
        Self {
            file,
            end,
            position,
            chunk: Bytes::new(),
            chunk_at: position,
            chunk_len: CHUNK,
            patience: Patience::Wait,
        }
    }

    /// A walk that will end after a few headers.
    pub(crate) fn brief(file: Arc<dyn DiskFile>, position: u64, end: u64, patience: Patience) -> Self {
        Self {
            chunk_len: BRIEF,
            patience,
            ..Self::new(file, position, end)
        }
    }

    /// Goes on at `position`, where a batch must begin.
    pub(crate) fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// Where the next batch begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next batch's header; the walk moves past the batch without reading it.
    pub(crate) fn next_header(&mut self) -> Result<Option<Step>, Stop> {
        if self.position >= self.end {
            return Ok(None);
        }
        let bytes = self.bytes(HEADER_LEN)?;
        let header = BatchHeader::parse(&bytes).map_err(|error| Stop::Bad(bad(&error)))?;
        let position = self.position;
        if position + header.size() as u64 > self.end {
            let left = self.end - position;
            return Err(Stop::Bad(format!(
                "a batch of {} bytes with {left} left",
                header.size()
            )));
        }
        self.position += header.size() as u64;
        Ok(Some(Step { header, position }))
    }

    /// The next batch, whole.
    pub(crate) fn next_batch(&mut self) -> Result<Option<(Batch, u64)>, Stop> {
        let Some(step) = self.next_header()? else {
            return Ok(None);
        };
        self.position = step.position;
        let mut bytes = self.bytes(step.header.size())?;
        let batch = Batch::parse(&mut bytes).map_err(|error| Stop::Bad(bad(&error)))?;
        self.position += batch.header.size() as u64;
        Ok(Some((batch, step.position)))
    }

    /// `len` bytes at the position, fewer only at the end.
    fn bytes(&mut self, len: usize) -> io::Result<Bytes> {
        let within = self
            .position
            .checked_sub(self.chunk_at)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(at) = within
            && at + len <= self.chunk.len()
        {
            return Ok(self.chunk.slice(at..at + len));
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let wanted = len.max(self.chunk_len).min(left);
        self.chunk = self.patience.read(self.file.as_ref(), self.position, wanted)?;
        self.chunk_at = self.position;
        Ok(self.chunk.slice(..len.min(self.chunk.len())))
    }
}

fn bad(error: &BatchError) -> String {
    error.to_string()
}
