//! Which partition a record goes to when the caller does not say.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::connection::random_u64;

/// How partitions are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partitioner {
    /// Kafka's default: murmur2 of the key; records without a key stick to one partition until a batch is full,
    /// then move to another (KIP-480, KIP-794).
    #[default]
    Murmur2Sticky,
    /// Each record to the next partition, keys or not.
    RoundRobin,
}

/// The state of one topic's choices.
#[derive(Debug)]
pub(super) struct Choice {
    partitioner: Partitioner,
    current: AtomicU32,
    /// Bytes sent to `current` since it was chosen.
    spent: AtomicUsize,
    stick_for: usize,
}

impl Choice {
    pub(super) fn new(partitioner: Partitioner, stick_for: usize) -> Self {
        let start = (random_u64() & 0x7fff_ffff) as u32;
        Self {
            partitioner,
            current: AtomicU32::new(start),
            spent: AtomicUsize::new(0),
            stick_for,
        }
    }

    /// The partition, of `count`, for a record of `size` bytes with this key. `count` must not be 0.
    pub(super) fn choose(&self, key: Option<&[u8]>, size: usize, count: u32) -> u32 {
        match (self.partitioner, key) {
            (Partitioner::Murmur2Sticky, Some(key)) => partition_for_key(key, count),
            (Partitioner::Murmur2Sticky, None) => self.sticky(size) % count,
            (Partitioner::RoundRobin, _) => self.current.fetch_add(1, Ordering::Relaxed) % count,
        }
    }

    fn sticky(&self, size: usize) -> u32 {
        if self.spent.fetch_add(size, Ordering::Relaxed) + size > self.stick_for {
            self.spent.store(0, Ordering::Relaxed);
            return self.current.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        }
        self.current.load(Ordering::Relaxed)
    }
}

/// The partition Kafka's Java client chooses for `key`.
pub(crate) fn partition_for_key(key: &[u8], count: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % count
}

/// Murmur2, 32 bits, with the seed of Kafka's Java client.
pub(crate) fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut h = SEED ^ data.len() as u32;
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    for (at, byte) in tail.iter().enumerate() {
        h ^= u32::from(*byte) << (8 * at);
    }
    if !tail.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_agrees_with_kafka() {
        // The vectors of Kafka's own UtilsTest.
        let vectors: [(&str, i32); 7] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
            ("", 275_646_681),
        ];
        for (text, hash) in vectors {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn records_without_a_key_stay_until_a_batch_is_full_and_reach_every_partition() {
        let choice = Choice::new(Partitioner::Murmur2Sticky, 100);
        let chosen: Vec<u32> = (0..40).map(|_| choice.choose(None, 30, 4)).collect();
        let changes = chosen.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((8..=14).contains(&changes), "{chosen:?}");
        assert!((0..4).all(|partition| chosen.contains(&partition)), "{chosen:?}");
    }

    #[test]
    fn equal_keys_share_a_partition_and_round_robin_ignores_them() {
        let choice = Choice::new(Partitioner::Murmur2Sticky, 100);
        assert_eq!(choice.choose(Some(b"k"), 1, 7), choice.choose(Some(b"k"), 1, 7));
        let choice = Choice::new(Partitioner::RoundRobin, 100);
        let mut chosen: Vec<u32> = (0..4).map(|_| choice.choose(Some(b"k"), 1, 4)).collect();
        chosen.sort_unstable();
        assert_eq!(chosen, [0, 1, 2, 3]);
    }
}
