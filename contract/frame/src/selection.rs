//! Which records of a frame are kept.

use alloc::vec;
use alloc::vec::Vec;

/// One bit a record, the lowest bit of the first byte being the first record's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    bits: Vec<u8>,
    count: usize,
}

impl Selection {
    /// Keeps none of `count` records.
    #[must_use]
    pub fn none(count: usize) -> Selection {
        Selection {
            bits: vec![0; count.div_ceil(8)],
            count,
        }
    }

    /// Keeps all of `count` records.
    #[must_use]
    pub fn all(count: usize) -> Selection {
        let mut selection = Selection {
            bits: vec![0xff; count.div_ceil(8)],
            count,
        };
        if !count.is_multiple_of(8)
            && let Some(last) = selection.bits.last_mut()
        {
            *last = (1 << (count % 8)) - 1;
        }
        selection
    }

    /// Keeps the record at `index`; one that is not there changes nothing.
    #[inline]
    pub fn keep(&mut self, index: usize) {
        if index < self.count
            && let Some(byte) = self.bits.get_mut(index / 8)
        {
            *byte |= 1 << (index % 8);
        }
    }

    /// Drops the record at `index`.
    #[inline]
    pub fn drop_at(&mut self, index: usize) {
        if let Some(byte) = self.bits.get_mut(index / 8) {
            *byte &= !(1 << (index % 8));
        }
    }

    /// How many records it tells of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it tells of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bits as they are written.
    #[must_use]
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }
}
