//! What the broker is told about itself.

use std::time::Duration;

use crate::group::GroupConfig;

/// Settings of one broker.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Its id in the cluster.
    pub node_id: i32,
    /// Host and port that clients are told to connect to.
    pub advertised: (String, u16),
    /// The control plane's URL, told through `tidemill.admin.url`.
    pub admin_url: String,
    /// Directory of the records, as told to operators.
    pub log_dir: String,
    /// Largest request, in bytes.
    pub max_request_bytes: usize,
    /// Bytes of requests that may be in memory at once, over all connections.
    pub request_memory_bytes: usize,
    /// Bytes of responses that may wait at once for peers that take them slowly. Beyond it, peers that take
    /// nothing are closed within a second.
    pub response_memory_bytes: usize,
    /// Connections taken at once.
    pub max_connections: usize,
    /// Connections taken at once from one address.
    pub max_connections_per_ip: usize,
    /// A connection without a request for this long is closed.
    pub idle_timeout: Duration,
    /// A request that has begun must be whole within this.
    pub request_read_timeout: Duration,
    /// Whether a metadata request for an unknown topic makes it.
    pub auto_create_topics: bool,
    /// Partitions of a topic made without a number.
    pub default_partitions: u32,
    /// Most bytes of records in one fetch response.
    pub fetch_max_bytes: usize,
    /// Limits and times of consumer groups.
    pub groups: GroupConfig,
    /// How compacted topics are compacted.
    pub compaction: CompactionConfig,
}

/// How compacted topics are compacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionConfig {
    /// Pause between two looks for logs to compact.
    pub backoff: Duration,
    /// Logs compacted at once.
    pub at_once: usize,
    /// Most bytes for the tables of keys, over all logs compacted at once.
    pub map_bytes: usize,
}

impl Default for CompactionConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            backoff: Duration::from_secs(15),
            at_once: 1,
            map_bytes: 128 << 20,
        }
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            node_id: 1,
            advertised: ("127.0.0.1".to_owned(), 9092),
            admin_url: "http://127.0.0.1:8092".to_owned(),
            log_dir: String::new(),
            max_request_bytes: 100 << 20,
            request_memory_bytes: 512 << 20,
            response_memory_bytes: 1 << 30,
            max_connections: 20_000,
            max_connections_per_ip: 20_000,
            idle_timeout: Duration::from_secs(600),
            request_read_timeout: Duration::from_secs(60),
            auto_create_topics: false,
            default_partitions: 1,
            fetch_max_bytes: 55 << 20,
            groups: GroupConfig::default(),
            compaction: CompactionConfig::default(),
        }
    }
}
