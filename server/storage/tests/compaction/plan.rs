//! What happens in a history.

use tidemill_env::sim::SimRandom;
use tidemill_storage::LogConfig;
use tidemill_wire::codec::Compression;

/// A record to append: key, value or tombstone, timestamp.
pub(crate) type RecordPlan = (u8, Option<usize>, i64);

#[derive(Debug, Clone)]
pub(crate) struct BatchPlan {
    pub(crate) records: Vec<RecordPlan>,
    pub(crate) codec: Compression,
    pub(crate) producer: Option<i64>,
    /// The server's clock stamps the records.
    pub(crate) stamped: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Append(Vec<BatchPlan>),
    Sync,
    /// Lets time pass, then compacts below a place of the log (in hundredths), with room for so many bytes of
    /// keys.
    Compact {
        upto: u64,
        pass_ms: u64,
        map_bytes: usize,
    },
    /// Deletes the records below a place of the log.
    Delete(u64),
    /// Lets time pass, then maintains.
    Maintain(u64),
    /// Cuts the log at a place between what was compacted and its end.
    Truncate(u64),
    Restart,
    Kill,
}

pub(crate) struct Plan {
    pub(crate) config: LogConfig,
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// A long history.
    pub(crate) fn new(seed: u64) -> Self {
        let random = SimRandom::new(seed);
        let steps = 30 + random.below(40);
        Self::of(&random, steps)
    }

    /// One that can be repeated for each of its operations.
    pub(crate) fn short(seed: u64) -> Self {
        let random = SimRandom::new(seed);
        let mut plan = Self::of(&random, 9);
        // The interest is in compaction.
        plan.steps.insert(5, compact(&random));
        plan.steps.push(compact(&random));
        plan
    }

    fn of(random: &SimRandom, steps: u64) -> Self {
        let config = LogConfig {
            segment_bytes: 300 + random.below(1500),
            segment_age_ms: 5_000,
            index_interval_bytes: [1, 150, 400][random.index(3)],
            tail_cache_bytes: [0, 1_000, 1 << 20][random.index(3)],
            compact: true,
            delete: random.one_in(3),
            retention_bytes: Some(3_000),
            delete_retention_ms: [0, 4_000, 1_000_000][random.index(3)],
            ..LogConfig::default()
        };
        let keys = 2 + random.below(12);
        let mut all = vec![append(random, keys)];
        all.extend((1..steps).map(|_| step(random, keys)));
        Self { config, steps: all }
    }
}

/// What is done after each recovery: the log goes on as if nothing had been.
pub(crate) fn after() -> Vec<Step> {
    let batch = |producer| BatchPlan {
        records: vec![
            (0, Some(30), 1_005_000),
            (1, None, 999_000),
            (0, Some(200), 1_000_500),
        ],
        codec: Compression::Lz4,
        producer,
        stamped: false,
    };
    let all = Step::Compact {
        upto: 100,
        pass_ms: 10,
        map_bytes: 1 << 16,
    };
    vec![
        Step::Append(vec![batch(Some(1)), batch(None)]),
        Step::Sync,
        all.clone(),
        Step::Append(vec![batch(Some(2)), batch(Some(1)), batch(None)]),
        all,
        Step::Sync,
    ]
}

fn step(random: &SimRandom, keys: u64) -> Step {
    match random.below(100) {
        0..50 => append(random, keys),
        50..58 => Step::Sync,
        58..80 => compact(random),
        80..85 => Step::Maintain(random.below(8_000)),
        85..88 => Step::Delete(random.below(60)),
        88..91 => Step::Truncate(random.below(101)),
        91..96 => Step::Restart,
        _ => Step::Kill,
    }
}

fn compact(random: &SimRandom) -> Step {
    Step::Compact {
        upto: if random.one_in(3) { random.below(101) } else { 100 },
        pass_ms: random.below(6_000),
        // 200 bytes are five keys, so that many passes are needed.
        map_bytes: [200, 600, 1 << 16][random.index(3)],
    }
}

fn append(random: &SimRandom, keys: u64) -> Step {
    let batches = 1 + random.below(6);
    Step::Append((0..batches).map(|_| batch(random, keys)).collect())
}

fn batch(random: &SimRandom, keys: u64) -> BatchPlan {
    let record = |_| {
        let key = u8::try_from(random.below(keys)).unwrap();
        let value = (!random.one_in(6)).then(|| random.index(90));
        (
            key,
            value,
            1_000_000 + i64::try_from(random.below(20_000)).unwrap(),
        )
    };
    BatchPlan {
        records: (0..1 + random.below(5)).map(record).collect(),
        codec: Compression::ALL[random.index(5)],
        producer: (!random.one_in(3)).then(|| i64::try_from(random.below(3)).unwrap()),
        stamped: random.one_in(8),
    }
}
