//! What a module may take.

use std::time::Duration;

/// Ceilings for one instance. Every one of them is hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, all of its memories and tables together.
    pub memory: usize,
    /// Processor time that a batch may take, whatever its size.
    pub cpu_per_batch: Duration,
    /// Processor time that a batch may take on top for each of its records.
    pub cpu_per_record: Duration,
    /// Processor time that starting may take: an interpreter reads its program then.
    pub cpu_to_start: Duration,
    /// Bytes of an answer.
    pub output: usize,
}

impl Limits {
    /// What a batch of `records` may take.
    #[must_use]
    pub fn cpu(&self, records: u32) -> Duration {
        self.cpu_per_batch
            .saturating_add(self.cpu_per_record.saturating_mul(records))
    }
}

impl Default for Limits {
    /// 256 MiB; 100 ms a batch and 1 ms a record; 30 s to start; 64 MiB of answer.
    fn default() -> Limits {
        Limits {
            memory: 256 << 20,
            cpu_per_batch: Duration::from_millis(100),
            cpu_per_record: Duration::from_millis(1),
            cpu_to_start: Duration::from_secs(30),
            output: 64 << 20,
        }
    }
}
