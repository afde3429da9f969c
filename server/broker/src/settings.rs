//! The broker's settings as Kafka tools see them: by Kafka's names where Kafka has the same.

use tidemill_resource::topic_config::ConfigType;

use crate::config::BrokerConfig;

/// One setting.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) default: String,
    pub(crate) doc: &'static str,
    pub(crate) kind: ConfigType,
}

type Row = (
    &'static str,
    ConfigType,
    fn(&BrokerConfig) -> String,
    &'static str,
);

const ROWS: &[Row] = &[
    (
        "node.id",
        ConfigType::Int,
        |c| c.node_id.to_string(),
        "Id of the broker in its cluster.",
    ),
    (
        "broker.id",
        ConfigType::Int,
        |c| c.node_id.to_string(),
        "The same as node.id, for older tools.",
    ),
    (
        "advertised.listeners",
        ConfigType::String,
        |c| format!("PLAINTEXT://{}:{}", c.advertised.0, c.advertised.1),
        "Where clients are told to connect.",
    ),
    (
        "tidemill.admin.url",
        ConfigType::String,
        |c| c.admin_url.clone(),
        "Where the REST API is.",
    ),
    (
        "log.dirs",
        ConfigType::String,
        |c| c.log_dir.clone(),
        "Where records are kept.",
    ),
    (
        "socket.request.max.bytes",
        ConfigType::Int,
        |c| c.max_request_bytes.to_string(),
        "Largest request taken.",
    ),
    (
        "queued.max.request.bytes",
        ConfigType::Long,
        |c| c.request_memory_bytes.to_string(),
        "Bytes of requests in memory at once, over all connections.",
    ),
    (
        "max.connections",
        ConfigType::Int,
        |c| c.max_connections.to_string(),
        "Connections taken at once.",
    ),
    (
        "max.connections.per.ip",
        ConfigType::Int,
        |c| c.max_connections_per_ip.to_string(),
        "Connections taken at once from one address.",
    ),
    (
        "connections.max.idle.ms",
        ConfigType::Long,
        |c| c.idle_timeout.as_millis().to_string(),
        "A connection without a request for this long is closed.",
    ),
    (
        "fetch.max.bytes",
        ConfigType::Int,
        |c| c.fetch_max_bytes.to_string(),
        "Most bytes of records in one fetch response; a larger batch still arrives whole.",
    ),
    (
        "auto.create.topics.enable",
        ConfigType::Boolean,
        |c| c.auto_create_topics.to_string(),
        "Whether a metadata request for an unknown topic makes it.",
    ),
    (
        "num.partitions",
        ConfigType::Int,
        |c| c.default_partitions.to_string(),
        "Partitions of a topic made without a number.",
    ),
    (
        "default.replication.factor",
        ConfigType::Int,
        |_| "1".to_owned(),
        "Replicas of a topic made without a number.",
    ),
    (
        "offsets.topic.num.partitions",
        ConfigType::Int,
        |c| c.groups.offsets_partitions.to_string(),
        "Partitions of the topic that keeps committed offsets, made at first use.",
    ),
    (
        "offsets.topic.segment.bytes",
        ConfigType::Int,
        |c| c.groups.offsets_segment_bytes.to_string(),
        "Segment size of the topic that keeps committed offsets, when it is made.",
    ),
    (
        "log.cleaner.backoff.ms",
        ConfigType::Long,
        |c| c.compaction.backoff.as_millis().to_string(),
        "Pause between two looks for logs to compact.",
    ),
    (
        "log.cleaner.threads",
        ConfigType::Int,
        |c| c.compaction.at_once.to_string(),
        "Logs compacted at once.",
    ),
    (
        "log.cleaner.dedupe.buffer.size",
        ConfigType::Long,
        |c| c.compaction.map_bytes.to_string(),
        "Most bytes for the tables of keys, over all logs compacted at once.",
    ),
    (
        "group.initial.rebalance.delay.ms",
        ConfigType::Int,
        |c| c.groups.initial_rebalance_delay_ms.to_string(),
        "How long a new group waits for more members before its first assignment.",
    ),
    (
        "group.consumer.migration.policy",
        ConfigType::String,
        |c| c.groups.migration_policy.name().to_owned(),
        "Which way groups go over from one protocol to the other while they have members.",
    ),
];

impl BrokerConfig {
    /// All settings, with their defaults.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let default = Self::default();
        let rows = ROWS.iter().map(|(name, kind, read, doc)| Setting {
            name,
            value: read(self),
            default: read(&default),
            doc,
            kind: *kind,
        });
        rows.collect()
    }
}
