//! Where each key was last seen, in bounded memory.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// Bytes of one slot: a 128-bit hash and an offset.
const SLOT_BYTES: usize = size_of::<Slot>();
/// A table begins with about this many slots and doubles.
const FIRST_SLOTS: usize = 1 << 10;

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: [u64; 2],
    /// -1 when the slot is free.
    offset: i64,
}

const FREE: Slot = Slot {
    hash: [0; 2],
    offset: -1,
};

/// The last offset of each key, keys being told apart by a keyed 128-bit hash: that two differ and hash
/// alike is less likely than a disk that lies, and cannot be brought about from outside.
pub(crate) struct LastOffsets {
    slots: Vec<Slot>,
    len: usize,
    /// As large as the budget allows.
    most_slots: usize,
    seed: (u64, u64),
}

impl LastOffsets {
    /// An empty table that grows to at most `budget` bytes, its growing included.
    pub(crate) fn new(budget: usize, seed: (u64, u64)) -> Self {
        // While a table grows, the one of half its size is still there.
        let most_slots = (budget / SLOT_BYTES * 2 / 3).max(1);
        let mut first = most_slots;
        while first / 2 >= FIRST_SLOTS {
            first /= 2;
        }
        Self {
            slots: vec![FREE; first],
            len: 0,
            most_slots,
            seed,
        }
    }

    /// Whether `more` keys fit into the budget, even if all are new. An empty table has room for any
    /// number: work must go on, if only batch by batch.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.len == 0 || self.len + more <= usable(self.most_slots)
    }

    /// Notes that `key` is at `offset`, which is higher than any noted before.
    pub(crate) fn note(&mut self, key: &[u8], offset: i64) {
        if self.len + 1 > usable(self.slots.len()) {
            self.grow();
        }
        let hash = self.hash(key);
        let at = self.find(hash);
        if let Some(slot) = self.slots.get_mut(at) {
            self.len += usize::from(slot.offset < 0);
            *slot = Slot { hash, offset };
        }
    }

    /// The last offset of `key`, if it was noted.
    pub(crate) fn last(&self, key: &[u8]) -> Option<i64> {
        let slot = self.slots.get(self.find(self.hash(key)))?;
        (slot.offset >= 0).then_some(slot.offset)
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        let mut hasher = SipHasher13::new_with_keys(self.seed.0, self.seed.1);
        hasher.write(key);
        let hash = hasher.finish128();
        [hash.h1, hash.h2]
    }

    /// The slot that holds `hash`, or the free one where it belongs. There is always a free one.
    fn find(&self, hash: [u64; 2]) -> usize {
        let count = self.slots.len();
        // The high half of a product spreads evenly over any number of slots.
        let start = (u128::from(hash[0]) * count as u128) >> 64;
        let mut at = usize::try_from(start).unwrap_or(0);
        while let Some(slot) = self.slots.get(at) {
            if slot.offset < 0 || slot.hash == hash {
                return at;
            }
            at = if at + 1 == count { 0 } else { at + 1 };
        }
        at
    }

    fn grow(&mut self) {
        let larger = self.slots.len() * 2 + 2;
        let old = std::mem::replace(&mut self.slots, vec![FREE; larger]);
        for slot in old.into_iter().filter(|slot| slot.offset >= 0) {
            let at = self.find(slot.hash);
            if let Some(place) = self.slots.get_mut(at) {
                *place = slot;
            }
        }
    }
}

/// Slots that may be taken: long runs of taken ones make every search long.
fn usable(slots: usize) -> usize {
    slots / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_last_offset_of_every_key_is_found_while_the_table_grows() {
        let mut table = LastOffsets::new(1 << 20, (3, 4));
        let mut model = BTreeMap::new();
        for offset in 0..20_000i64 {
            let key = (offset * 7919 % 9_000).to_string();
            table.note(key.as_bytes(), offset);
            model.insert(key, offset);
        }
        for (key, offset) in &model {
            assert_eq!(table.last(key.as_bytes()), Some(*offset));
        }
        assert_eq!(table.len, model.len());
        assert_eq!(table.last(b"never"), None);
        assert!(table.slots.len() * SLOT_BYTES <= 1 << 20);
    }

    #[test]
    fn a_full_table_says_so_and_an_empty_one_takes_what_must_be_taken() {
        let mut table = LastOffsets::new(100 * SLOT_BYTES, (3, 4));
        assert!(table.has_room(1_000_000));
        for offset in 0..200i64 {
            table.note(&offset.to_le_bytes(), offset);
        }
        assert!(!table.has_room(1));
        assert!((0..200i64).all(|offset| table.last(&offset.to_le_bytes()) == Some(offset)));
    }
}
