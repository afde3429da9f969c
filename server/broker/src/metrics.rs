//! Counters of the data path: a few atomic additions a request.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tidemill_partition::PartitionHooks;
use tidemill_wire::kafka::messages::ApiKey;
use uuid::Uuid;

/// The label of a request metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ApiLabel {
    api: String,
}

/// The labels of an error metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FailureLabel {
    reason: String,
}

type Latency = Family<ApiLabel, Histogram, fn() -> Histogram>;

/// All metrics of the broker, in one registry.
pub struct Metrics {
    registry: Registry,
    bytes_in: Counter,
    bytes_out: Counter,
    records_in: Counter,
    record_bytes_in: Counter,
    record_bytes_out: Counter,
    connections: Gauge,
    latency: Latency,
    refused: Family<FailureLabel, Counter>,
    flush_seconds: Histogram,
    flushed_bytes: Counter,
    failed_partitions: Counter<u64, AtomicU64>,
}

/// 50 microseconds to 13 seconds, doubling.
fn latency_histogram() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(
        0.000_05, 2.0, 18,
    ))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tidemill"),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            records_in: Counter::default(),
            record_bytes_in: Counter::default(),
            record_bytes_out: Counter::default(),
            connections: Gauge::default(),
            latency: Family::new_with_constructor(latency_histogram as fn() -> Histogram),
            refused: Family::default(),
            flush_seconds: latency_histogram(),
            flushed_bytes: Counter::default(),
            failed_partitions: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "network_received",
            "Received from clients",
            Unit::Bytes,
            self.bytes_in.clone(),
        );
        registry.register_with_unit(
            "network_sent",
            "Sent to clients",
            Unit::Bytes,
            self.bytes_out.clone(),
        );
        registry.register("records_produced", "Records stored", self.records_in.clone());
        registry.register_with_unit(
            "produced",
            "Record batches stored",
            Unit::Bytes,
            self.record_bytes_in.clone(),
        );
        registry.register_with_unit(
            "fetched",
            "Record batches sent",
            Unit::Bytes,
            self.record_bytes_out.clone(),
        );
        registry.register("connections", "Open client connections", self.connections.clone());
        registry.register_with_unit(
            "request",
            "From request to answer",
            Unit::Seconds,
            self.latency.clone(),
        );
        registry.register(
            "requests_refused",
            "Requests that could not be read or served",
            self.refused.clone(),
        );
        registry.register_with_unit(
            "log_flush",
            "One fdatasync of a log",
            Unit::Seconds,
            self.flush_seconds.clone(),
        );
        registry.register_with_unit(
            "log_flushed",
            "Made durable",
            Unit::Bytes,
            self.flushed_bytes.clone(),
        );
        registry.register(
            "log_failures",
            "Logs that failed until a restart",
            self.failed_partitions.clone(),
        );
    }

    /// The registry, for the page that Prometheus reads.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.inc_by(bytes as u64);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.inc_by(bytes as u64);
    }

    pub(crate) fn produced(&self, records: u64, bytes: usize) {
        self.records_in.inc_by(records);
        self.record_bytes_in.inc_by(bytes as u64);
    }

    /// Lets go of what was counted for a topic that is gone.
    pub(crate) fn forget(&self, _topic: Uuid) {}

    pub(crate) fn fetched(&self, bytes: usize) {
        self.record_bytes_out.inc_by(bytes as u64);
    }

    pub(crate) fn connected(&self, change: i64) {
        self.connections.inc_by(change);
    }

    pub(crate) fn answered(&self, api: ApiKey, took: Duration) {
        self.latency
            .get_or_create(&ApiLabel {
                api: format!("{api:?}"),
            })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refused
            .get_or_create(&FailureLabel {
                reason: reason.to_owned(),
            })
            .inc();
    }
}

impl PartitionHooks for Metrics {
    fn flushed(&self, bytes: u64, took: Duration) {
        self.flush_seconds.observe(took.as_secs_f64());
        self.flushed_bytes.inc_by(bytes);
    }

    fn failed(&self, topic_id: Uuid, index: i32) {
        self.failed_partitions.inc();
        tracing::error!(%topic_id, partition = index, "the log failed and takes no more records until a restart");
    }
}
