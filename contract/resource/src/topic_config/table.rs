//! The table of topic configs.

use super::check::{Check, ConfigType};

/// One topic config.
#[derive(Debug)]
pub struct ConfigKey {
    /// Kafka's name.
    pub name: &'static str,
    /// Kafka's default, as text.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The field of [`TopicSpec`](crate::TopicSpec) that says the same, such as `retention.time`.
    pub spec_field: Option<&'static str>,
    pub(super) check: Check,
}

impl ConfigKey {
    /// The type that `DescribeConfigs` reports.
    pub fn config_type(&self) -> ConfigType {
        self.check.config_type()
    }
}

/// The config with this name.
pub fn find(name: &str) -> Option<&'static ConfigKey> {
    KEYS.iter().find(|key| key.name == name)
}

const MAX_LONG: &str = "9223372036854775807";

const fn key(name: &'static str, default: &'static str, check: Check, doc: &'static str) -> ConfigKey {
    ConfigKey {
        name,
        default,
        doc,
        spec_field: None,
        check,
    }
}

impl ConfigKey {
    const fn field(mut self, field: &'static str) -> Self {
        self.spec_field = Some(field);
        self
    }
}

const fn long(min: i64) -> Check {
    Check::Long { min, max: i64::MAX }
}

const fn int(min: i64) -> Check {
    Check::Int {
        min,
        max: i32::MAX as i64,
    }
}

/// Every topic config, by name.
pub const KEYS: &[ConfigKey] = &[
    key(
        "cleanup.policy",
        "delete",
        Check::SetOf(&["delete", "compact"]),
        "What happens to old records: delete them after the retention, compact to the last record of each key, or both.",
    )
    .field("cleanup"),
    key(
        "compression.type",
        "producer",
        Check::OneOf(&["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"]),
        "Compression at rest. producer keeps each batch as it was sent.",
    )
    .field("compression"),
    key(
        "delete.retention.ms",
        "86400000",
        long(0),
        "How long compaction keeps a tombstone, so that readers see the deletion.",
    ),
    key(
        "file.delete.delay.ms",
        "60000",
        long(0),
        "Accepted for Kafka clients. Files of deleted segments go as soon as no reader needs them.",
    ),
    key(
        "flush.messages",
        MAX_LONG,
        long(1),
        "Flush after this many records, in addition to what tidemill.flush asks for.",
    ),
    key(
        "flush.ms",
        MAX_LONG,
        long(0),
        "Flush records that have waited this long, in addition to what tidemill.flush asks for.",
    ),
    key("index.interval.bytes", "4096", int(0), "Bytes of log between two entries of the offset index."),
    key(
        "max.compaction.lag.ms",
        MAX_LONG,
        long(1),
        "Longest time a record may wait before it is open to compaction.",
    ),
    key("max.message.bytes", "1048588", int(0), "Largest record batch taken, in bytes as sent.")
        .field("maxMessageBytes"),
    key(
        "message.timestamp.after.max.ms",
        "3600000",
        long(0),
        "How far a record's timestamp may be ahead of the broker's clock.",
    ),
    key(
        "message.timestamp.before.max.ms",
        MAX_LONG,
        long(0),
        "How far a record's timestamp may be behind the broker's clock.",
    ),
    key(
        "message.timestamp.type",
        "CreateTime",
        Check::OneOf(&["CreateTime", "LogAppendTime"]),
        "Whose clock stamps the records: the producer's or the broker's.",
    )
    .field("timestampType"),
    key(
        "min.cleanable.dirty.ratio",
        "0.5",
        Check::Double { min: 0.0, max: 1.0 },
        "Share of the log that must be uncompacted before compaction runs.",
    ),
    key(
        "min.compaction.lag.ms",
        "0",
        long(0),
        "Shortest time a record stays as it is before compaction may remove it.",
    ),
    key(
        "min.insync.replicas",
        "1",
        int(1),
        "Replicas that must have a record before acks=all is answered.",
    ),
    key(
        "preallocate",
        "false",
        Check::Fixed("false", ConfigType::Boolean),
        "Always false: segments grow as they are written.",
    ),
    key(
        "retention.bytes",
        "-1",
        long(-1),
        "Remove the oldest segments of a partition when it holds more bytes; -1 for no bound.",
    )
    .field("retention.bytes"),
    key(
        "retention.ms",
        "604800000",
        long(-1),
        "Remove segments whose newest record is older than this; -1 for no bound.",
    )
    .field("retention.time"),
    key("segment.bytes", "1073741824", int(14), "Size at which a new segment file is begun.").field("segment.bytes"),
    key(
        "segment.index.bytes",
        "10485760",
        int(4),
        "Accepted for Kafka clients. Index files grow as needed.",
    ),
    key("segment.jitter.ms", "0", long(0), "Accepted for Kafka clients. Segments roll at segment.ms exactly."),
    key("segment.ms", "604800000", long(1), "Age at which a new segment file is begun.").field("segment.age"),
    key(
        "tidemill.flush",
        "always",
        Check::OneOf(&["always", "interval", "os"]),
        "When acknowledged records are on disk: always before the answer, at an interval, or when the system likes.",
    )
    .field("flush"),
    key(
        "tidemill.flush.interval.ms",
        "5",
        Check::Long { min: 1, max: 60_000 },
        "Longest time between two flushes under tidemill.flush=interval.",
    )
    .field("flush"),
    key(
        "unclean.leader.election.enable",
        "false",
        Check::Fixed("false", ConfigType::Boolean),
        "Always false: a replica that may lack acknowledged records never leads.",
    ),
];
