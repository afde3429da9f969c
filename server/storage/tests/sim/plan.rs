//! What happens in a history.

use tidemill_env::sim::SimRandom;
use tidemill_storage::LogConfig;

/// A batch to append.
#[derive(Debug, Clone)]
pub(crate) struct BatchPlan {
    /// Timestamps of its records.
    pub(crate) times: Vec<i64>,
    pub(crate) value_bytes: usize,
    /// Offsets left out before it, as a follower of a compacted log sees them.
    pub(crate) gap: i64,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Append {
        batches: Vec<BatchPlan>,
        new_epoch: bool,
    },
    Sync,
    /// Deletes the records below a place of the log, in hundredths of it.
    Delete(u64),
    /// Lets time pass, then maintains.
    Maintain {
        pass_ms: u64,
    },
    /// Cuts the log at a place of it, in hundredths.
    Truncate(u64),
    /// Closes the log and opens it.
    Restart,
    /// The process dies and the log is opened.
    Kill,
    /// Compares the log with the model.
    Check,
}

pub(crate) struct Plan {
    pub(crate) config: LogConfig,
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let random = SimRandom::new(seed);
        let config = LogConfig {
            segment_bytes: 500 + random.below(1500),
            segment_age_ms: 5_000,
            index_interval_bytes: [1, 150, 400][random.index(3)],
            retention_ms: random.one_in(3).then_some(20_000),
            retention_bytes: random.one_in(2).then_some(4_000),
            tail_cache_bytes: [0, 1_000, 1 << 20][random.index(3)],
            ..LogConfig::default()
        };
        let steps = (0..30 + random.below(20)).map(|_| step(&random)).collect();
        Self { config, steps }
    }
}

fn step(random: &SimRandom) -> Step {
    match random.below(100) {
        0..45 => Step::Append {
            batches: (0..1 + random.below(5)).map(|_| batch(random)).collect(),
            new_epoch: random.one_in(6),
        },
        45..70 => Step::Sync,
        70..76 => Step::Delete(random.below(101)),
        76..84 => Step::Maintain {
            pass_ms: random.below(8_000),
        },
        84..87 => Step::Truncate(random.below(101)),
        87..92 => Step::Restart,
        92..96 => Step::Kill,
        _ => Step::Check,
    }
}

fn batch(random: &SimRandom) -> BatchPlan {
    BatchPlan {
        // Clocks of producers go back and forth.
        times: (0..1 + random.below(4))
            .map(|_| 1_000_000 + i64::try_from(random.below(20_000)).unwrap())
            .collect(),
        value_bytes: if random.one_in(8) {
            700 + random.index(800)
        } else {
            random.index(60)
        },
        gap: if random.one_in(12) { 3 } else { 0 },
    }
}
