//! What compaction did.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tidemill_partition::Compaction;

/// Counters of all logs together.
pub(crate) struct Compactions {
    runs: Counter,
    before: Counter,
    after: Counter,
    seconds: Histogram,
    dirty_ratio: Gauge<f64, AtomicU64>,
    stopped: Gauge,
}

impl Default for Compactions {
    fn default() -> Self {
        Self {
            runs: Counter::default(),
            before: Counter::default(),
            after: Counter::default(),
            // 1 millisecond to half an hour.
            seconds: Histogram::new(exponential_buckets(0.001, 4.0, 11)),
            dirty_ratio: Gauge::default(),
            stopped: Gauge::default(),
        }
    }
}

impl Compactions {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("log_compactions", "Logs compacted", self.runs.clone());
        registry.register_with_unit(
            "log_compaction_before",
            "Closed segments before they were compacted",
            Unit::Bytes,
            self.before.clone(),
        );
        registry.register_with_unit(
            "log_compaction_after",
            "What was left of them",
            Unit::Bytes,
            self.after.clone(),
        );
        registry.register_with_unit(
            "log_compaction",
            "One log compacted",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "log_compaction_dirty_ratio",
            "Uncompacted part, 0 to 1, of the log that was compacted last, as it was before",
            self.dirty_ratio.clone(),
        );
        registry.register(
            "log_compactions_stopped",
            "Logs that are no longer compacted until a restart, because a segment cannot be read",
            self.stopped.clone(),
        );
    }

    /// A log that was `ratio` dirty has been compacted in `took`.
    pub(crate) fn done(&self, done: &Compaction, ratio: f64, took: Duration) {
        self.runs.inc();
        self.before.inc_by(done.bytes_before);
        self.after.inc_by(done.bytes_after);
        self.seconds.observe(took.as_secs_f64());
        self.dirty_ratio.set(ratio);
    }

    /// `count` logs are not compacted any more.
    pub(crate) fn stopped(&self, count: usize) {
        self.stopped.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
