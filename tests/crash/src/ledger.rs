//! What was acknowledged, held against what can be read.

use std::collections::BTreeMap;

/// The records that a load of numbered writers got acknowledged. Each record says who wrote it and
/// which of the writer's it is, counted from 0.
#[derive(Debug, Default)]
pub struct Ledger {
    acknowledged: BTreeMap<u32, u64>,
    read: BTreeMap<u32, Vec<u64>>,
}

/// What holding them against each other found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged and not there.
    pub lost: u64,
    /// There more than once.
    pub doubled: u64,
    /// Before an earlier one of the same writer.
    pub disordered: u64,
}

impl Ledger {
    /// A record's value.
    #[must_use]
    pub fn value(writer: u32, number: u64) -> [u8; 100] {
        let mut value = [b'.'; 100];
        value[..4].copy_from_slice(&writer.to_be_bytes());
        value[4..12].copy_from_slice(&number.to_be_bytes());
        value
    }

    /// `writer` had its records 0 to `count - 1` acknowledged.
    pub fn acknowledged(&mut self, writer: u32, count: u64) {
        self.acknowledged.insert(writer, count);
    }

    /// Notes a value in the order of reading. Answers false for bytes that no writer wrote.
    pub fn read(&mut self, value: &[u8]) -> bool {
        let (Some(writer), Some(number)) = (value.first_chunk::<4>(), value.get(4..12)) else {
            return false;
        };
        let writer = u32::from_be_bytes(*writer);
        let number = number
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if value != Self::value(writer, number) {
            return false;
        }
        self.read.entry(writer).or_default().push(number);
        true
    }

    /// Records read so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.read.values().map(|numbers| numbers.len() as u64).sum()
    }

    /// The judgement.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        for (writer, acknowledged) in &self.acknowledged {
            let numbers = self.read.get(writer).map_or(&[][..], Vec::as_slice);
            verdict.disordered += numbers.windows(2).filter(|pair| pair[1] < pair[0]).count() as u64;
            let mut sorted = numbers.to_vec();
            sorted.sort_unstable();
            verdict.doubled += sorted.windows(2).filter(|pair| pair[1] == pair[0]).count() as u64;
            sorted.dedup();
            let kept = sorted.iter().filter(|number| *number < acknowledged).count() as u64;
            verdict.lost += acknowledged - kept;
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_doubles_and_disorder_are_told_apart() {
        let mut ledger = Ledger::default();
        ledger.acknowledged(1, 5);
        for number in [0, 2, 1, 4, 4] {
            assert!(ledger.read(&Ledger::value(1, number)));
        }
        assert!(!ledger.read(b"not a record of ours"));
        assert_eq!(
            ledger.verdict(),
            Verdict {
                lost: 1,
                doubled: 1,
                disordered: 1
            }
        );
    }
}
