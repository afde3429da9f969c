//! Counters of the data path: a few atomic additions a request.

pub(crate) mod compaction;
mod page;
mod process;
pub(crate) mod records;
mod smartmodules;
mod topics;

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tidemill_partition::Partition;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::ApiKey;
use uuid::Uuid;

use compaction::Compactions;
use smartmodules::SmartModules;
use topics::Topics;

/// The label of a request metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabel {
    api: String,
}

/// The labels of an error metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabel {
    api: String,
    error: String,
}

/// Why something was not a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabel {
    reason: String,
}

/// The labels of a request over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabel {
    route: String,
    method: &'static str,
    status: u16,
}

type HttpLatency = Family<HttpLabel, Histogram, fn() -> Histogram>;
type Latency = Family<ApiLabel, Histogram, fn() -> Histogram>;

/// Kafka's API keys are below this.
const APIS: usize = 128;

/// All metrics of the broker, in one registry.
pub struct Metrics {
    registry: Registry,
    bytes_in: Counter,
    bytes_out: Counter,
    topics: Topics,
    connections: Gauge,
    latency: Latency,
    /// The histograms of `latency` by API key, so that a request costs no look-up by name.
    by_key: [OnceLock<Histogram>; APIS],
    http: HttpLatency,
    errors: Family<ErrorLabel, Counter>,
    refused: Family<RefusedLabel, Counter>,
    flush_seconds: Histogram,
    flushed_bytes: Counter,
    failed_partitions: Counter<u64, AtomicU64>,
    pub(crate) compaction: Compactions,
    pub(crate) smartmodules: SmartModules,
}

/// 50 microseconds to 13 seconds, doubling.
fn latency_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 18))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tidemill"),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            topics: Topics::default(),
            connections: Gauge::default(),
            latency: Family::new_with_constructor(latency_histogram as fn() -> Histogram),
            by_key: [const { OnceLock::new() }; APIS],
            http: Family::new_with_constructor(latency_histogram as fn() -> Histogram),
            errors: Family::default(),
            refused: Family::default(),
            flush_seconds: latency_histogram(),
            flushed_bytes: Counter::default(),
            failed_partitions: Counter::default(),
            compaction: Compactions::default(),
            smartmodules: SmartModules::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", build);
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
        self.topics.register(registry);
        registry.register("connections", "Open client connections", self.connections.clone());
        registry.register_with_unit(
            "request",
            "From request to answer",
            Unit::Seconds,
            self.latency.clone(),
        );
        registry.register_with_unit(
            "http_request",
            "From the head of a request over HTTP to the head of its answer",
            Unit::Seconds,
            self.http.clone(),
        );
        registry.register(
            "request_errors",
            "Errors that clients were told",
            self.errors.clone(),
        );
        registry.register(
            "requests_refused",
            "Requests and connections that could not be read or served",
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
        self.compaction.register(registry);
        self.smartmodules.register(registry);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.inc_by(bytes as u64);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.inc_by(bytes as u64);
    }

    /// `records` in `bytes` were stored in `partition`.
    pub(crate) fn produced(&self, partition: &Partition, records: u64, bytes: usize) {
        self.topics.of(partition.topic_id(), partition.topic(), |topic| {
            topic.records_in.inc_by(records);
            topic.bytes_in.inc_by(bytes as u64);
        });
    }

    /// So many records of `partition` were read, of so many bytes in their stored batches.
    pub(crate) fn fetched(&self, partition: &Partition, records: u64, bytes: usize) {
        self.topics.of(partition.topic_id(), partition.topic(), |topic| {
            topic.records_out.inc_by(records);
            topic.bytes_out.inc_by(bytes as u64);
        });
    }

    /// Lets go of what was counted for a topic that is gone.
    pub(crate) fn forget(&self, topic: Uuid) {
        self.topics.forget(topic);
    }

    pub(crate) fn connected(&self, change: i64) {
        self.connections.inc_by(change);
    }

    pub(crate) fn answered(&self, api: ApiKey, took: Duration) {
        let fresh = || {
            self.latency.get_or_create_owned(&ApiLabel {
                api: format!("{api:?}"),
            })
        };
        let place = usize::try_from(api as i16)
            .ok()
            .and_then(|key| self.by_key.get(key));
        if let Some(place) = place {
            place.get_or_init(fresh).observe(took.as_secs_f64());
        }
    }

    /// A request over HTTP was answered. `route` must be one of few.
    pub fn http_answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let label = HttpLabel {
            route: route.to_owned(),
            method,
            status,
        };
        self.http.get_or_create(&label).observe(took.as_secs_f64());
    }

    /// A client was told an error by its number.
    pub(crate) fn failed(&self, api: ApiKey, code: i16) {
        let error = ResponseError::try_from_code(code);
        let error = error.map_or_else(|| code.to_string(), |error| format!("{error:?}"));
        self.errors
            .get_or_create(&ErrorLabel {
                api: format!("{api:?}"),
                error,
            })
            .inc();
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refused
            .get_or_create(&RefusedLabel {
                reason: reason.to_owned(),
            })
            .inc();
    }

    /// `bytes` of a log were made durable in `took`.
    pub(crate) fn flushed(&self, bytes: u64, took: Duration) {
        self.flush_seconds.observe(took.as_secs_f64());
        self.flushed_bytes.inc_by(bytes);
    }

    /// A log failed until a restart.
    pub(crate) fn log_failed(&self) {
        self.failed_partitions.inc();
    }
}
