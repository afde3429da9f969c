//! Kafka's topic configs: the one table that `DescribeConfigs`, `AlterConfigs`, `CreateTopics` and the mapping to
//! [`TopicSpec`](crate::TopicSpec) all read, and the typed values the data plane works with.
//!
//! Names, defaults and meaning are those of Apache Kafka 4; `tidemill.*` are our own. An unknown name is refused,
//! as Kafka does.

mod check;
mod resolved;
mod table;

pub use check::{ConfigError, ConfigType, check, check_all};
pub use resolved::{FlushPolicy, TopicConfig};
pub use table::{ConfigKey, KEYS, find};

/// Longest time a power cut may take back under `tidemill.flush=interval`, unless the topic says otherwise.
pub const DEFAULT_FLUSH_INTERVAL_MS: i64 = 5;
