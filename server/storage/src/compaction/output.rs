//! The segment that a compaction writes, under temporary names until it is whole.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tidemill_env::Disk;
use tidemill_wire::batch::BatchHeader;

use crate::recovery::Indexer;
use crate::segment::{Segment, Sizes};

/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;

/// A segment in the making.
pub(super) struct Output {
    segment: Segment,
    indexer: Indexer,
    index_interval: u32,
    buffer: Vec<Bytes>,
    buffered: usize,
    /// Bytes written and buffered.
    size: u64,
}

impl Output {
    pub(super) fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        base_offset: i64,
        index_interval: u32,
    ) -> io::Result<Self> {
        Ok(Self {
            segment: Segment::create_temporary(disk, dir, base_offset)?,
            indexer: Indexer::default(),
            index_interval,
            buffer: Vec::new(),
            buffered: 0,
            size: 0,
        })
    }

    pub(super) fn base_offset(&self) -> i64 {
        self.segment.base_offset
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Puts a batch at its end.
    pub(super) fn put(&mut self, header: &BatchHeader, bytes: Bytes) -> io::Result<()> {
        self.indexer
            .note(&self.segment, header, self.size, self.index_interval);
        self.size += bytes.len() as u64;
        self.buffered += bytes.len();
        self.buffer.push(bytes);
        if self.buffered >= BUFFER {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let parts: Vec<IoSlice<'_>> = self.buffer.iter().map(|bytes| IoSlice::new(bytes)).collect();
        let position = self.segment.size();
        self.segment.file()?.write_at(position, &parts)?;
        self.segment.set_size(position + self.buffered as u64);
        self.buffer.clear();
        self.buffered = 0;
        Ok(())
    }

    /// Makes all of it durable, save its names. Answers the sizes of its files.
    pub(super) fn finish(&mut self) -> io::Result<Sizes> {
        if self.buffered > 0 {
            self.write()?;
        }
        self.indexer.finish(&self.segment);
        self.segment.write_indexes()?;
        self.segment.sync()?;
        Ok(Sizes {
            log: self.segment.size(),
            index: self.segment.offsets.file_len(),
            time_index: self.segment.times.file_len(),
        })
    }

    /// Removes what was written, as far as the disk allows: recovery removes the rest.
    pub(super) fn discard(self) {
        let _ = self.segment.remove();
    }
}
