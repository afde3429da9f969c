//! A file behind a page cache.

use std::io::IoSlice;

use super::random::SimRandom;

/// What one sector write of a disk covers: a torn write keeps some of these and not others.
const SECTOR: usize = 512;

/// A change that was not synced.
#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// The bytes of one file, as readers see them and as a power cut leaves them.
#[derive(Debug, Clone, Default)]
pub(super) struct SimInode {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

pub(super) fn joined(parts: &[IoSlice<'_>]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let end = at + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(new);
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes: new } => put(bytes, *at, new),
        Change::SetLen(len) => bytes.resize(*len, 0),
    }
}

impl SimInode {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn write(&mut self, at: usize, parts: &[IoSlice<'_>]) {
        let bytes = joined(parts);
        put(&mut self.now, at, &bytes);
        self.unsynced.push(Change::Write { at, bytes });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.now.resize(len, 0);
        self.unsynced.push(Change::SetLen(len));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            apply(&mut self.durable, &change);
        }
    }

    /// A sync failed: the kernel takes the dirty pages for clean, and they are never written.
    pub(super) fn lose_unsynced(&mut self) {
        self.unsynced.clear();
    }

    /// Clean pages leave the cache.
    pub(super) fn forget_cached(&mut self) {
        self.now.clone_from(&self.durable);
        for change in &self.unsynced {
            apply(&mut self.now, change);
        }
    }

    /// Everything unsynced reached the disk.
    pub(super) fn keep_all(&mut self) {
        self.sync();
        self.now.clone_from(&self.durable);
    }

    /// Each unsynced change is lost, kept, or torn. A lost write may have made the file longer all the same.
    pub(super) fn keep_some(&mut self, random: &SimRandom) {
        for change in std::mem::take(&mut self.unsynced) {
            match (random.below(4), change) {
                (0, Change::Write { at, bytes }) => {
                    let end = at + bytes.len();
                    if random.one_in(2) && self.durable.len() < end {
                        self.durable.resize(end, 0);
                    }
                }
                (1, Change::Write { at, bytes }) => {
                    put(&mut self.durable, at, &bytes[..random.index(bytes.len())]);
                }
                (2, Change::Write { at, bytes }) => {
                    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                        if random.one_in(2) {
                            put(&mut self.durable, at + index * SECTOR, sector);
                        }
                    }
                }
                (0 | 1, Change::SetLen(_)) => {}
                (_, change) => apply(&mut self.durable, &change),
            }
        }
        self.now.clone_from(&self.durable);
    }

    /// Nothing unsynced reached the disk.
    pub(super) fn keep_none(&mut self) {
        self.unsynced.clear();
        self.now.clone_from(&self.durable);
    }
}
