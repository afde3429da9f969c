//! The `Topic` object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::bytesize::ByteSize;
use crate::condition::Condition;
use crate::kind::Kind;
use crate::limit::Limit;
use crate::object::{Object, Spec};
use crate::span::TimeSpan;
use crate::strict::FieldError;
pub use crate::topic_settings::{Cleanup, Compression, Flush, TimestampType};
use crate::transform::{Dedup, Ingest, check_transforms, check_window};

/// What a topic should be. A field left out takes the default of the Kafka config it stands for
/// (see [`crate::topic_config`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopicSpec {
    /// Number of partitions, 1 to 10,000. May grow, never shrink.
    #[serde(default = "one_partition")]
    #[schema(minimum = 1, maximum = 10_000, default = 1)]
    pub partitions: u32,
    /// Number of brokers that hold each partition.
    #[serde(default = "one_replica")]
    #[schema(minimum = 1, default = 1)]
    pub replication_factor: u16,
    /// How long and how much to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// What happens to old records: `delete` (default), `compact` or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::topic_settings::cleanup_schema)]
    pub cleanup: Option<Cleanup>,
    /// When acknowledged records are on disk: `always` (default), `interval(5ms)` or `os`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "always", pattern = r"^(always|os|interval(\([^)]+\))?)$")]
    pub flush: Option<Flush>,
    /// Compression at rest: `producer` (default), `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "producer")]
    pub compression: Option<Compression>,
    /// Whose clock stamps the records: `CreateTime` (default) or `LogAppendTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "CreateTime")]
    pub timestamp_type: Option<TimestampType>,
    /// Largest record batch taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1MiB")]
    pub max_message_bytes: Option<ByteSize>,
    /// When a new segment file is begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
    /// What happens to records before they are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest: Option<Ingest>,
    /// Leaves out records that were there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup: Option<Dedup>,
    /// Further Kafka topic configs, by their Kafka names. Those that have a field above belong there.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "crate::strict::scalars"
    )]
    pub config: BTreeMap<String, String>,
}

/// How long and how much to keep. The stricter one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retention {
    /// Remove segments whose newest record is older than this: `7d` (default), or `unlimited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "7d")]
    pub time: Option<Limit<TimeSpan>>,
    /// Remove the oldest segments of a partition when it holds more: `10GiB`, or `unlimited` (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10GiB")]
    pub bytes: Option<Limit<ByteSize>>,
}

/// When a new segment file is begun: when either bound is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Segment {
    /// Size of a segment file: `1GiB` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1GiB")]
    pub bytes: Option<ByteSize>,
    /// Age of a segment's first record: `7d` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "7d")]
    pub age: Option<TimeSpan>,
}

fn one_partition() -> u32 {
    1
}

fn one_replica() -> u16 {
    1
}

impl Default for TopicSpec {
    fn default() -> Self {
        Self {
            partitions: one_partition(),
            replication_factor: one_replica(),
            retention: None,
            cleanup: None,
            flush: None,
            compression: None,
            timestamp_type: None,
            max_message_bytes: None,
            segment: None,
            ingest: None,
            dedup: None,
            config: BTreeMap::new(),
        }
    }
}

/// What is known of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopicStatus {
    /// The `metadata.generation` that this status was made from.
    pub observed_generation: u64,
    /// Partitions that exist.
    pub partitions: u32,
    /// Partitions that take and give records.
    pub ready_partitions: u32,
    /// `Ready` says whether all of it works.
    pub conditions: Vec<Condition>,
}

impl TopicSpec {
    /// Checks what happens to records before they are stored, as far as it can be known without the modules.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check_ingest(&self) -> Result<(), FieldError> {
        if let Some(dedup) = &self.dedup {
            check_window(dedup.window).map_err(|message| FieldError::new("spec.dedup.window", message))?;
        }
        match &self.ingest {
            Some(ingest) => check_transforms(&ingest.transforms, "spec.ingest.transforms"),
            None => Ok(()),
        }
    }
}

impl Spec for TopicSpec {
    const KIND: Kind = Kind::Topic;
    type Status = TopicStatus;
}

/// A topic as an object. `metadata.uid` is the Kafka topic id.
pub type Topic = Object<TopicSpec>;

/// The identity that Kafka and the REST API share: `metadata.uid`.
impl Topic {
    /// The Kafka topic id, once the topic is stored.
    pub fn id(&self) -> Option<Uuid> {
        self.metadata.uid
    }
}
