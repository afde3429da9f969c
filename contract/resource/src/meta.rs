//! What every object carries whatever its kind.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

/// Which state of the cluster's metadata an object was last changed in. Grows with every change; 0 means
/// "not stored". A string in documents, as Kubernetes has it: clients compare it for equality and hand it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ResourceVersion(pub u64);

impl ResourceVersion {
    fn is_unset(&self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ResourceVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ResourceVersion;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a resource version as the server gave it")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ResourceVersion, E> {
                let version = text.parse().map_err(|_| {
                    E::custom(format!(
                        "`{text}` is not a resource version: use the one the server gave"
                    ))
                })?;
                Ok(ResourceVersion(version))
            }

            fn visit_u64<E: de::Error>(self, version: u64) -> Result<ResourceVersion, E> {
                Ok(ResourceVersion(version))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Identity and bookkeeping of an object. Users write `name`, `labels` and `annotations`; the server keeps the
/// rest, and reads only `resourceVersion` back (as a precondition of a write).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectMeta {
    /// Unique among objects of the kind. For a topic: the topic's name.
    pub name: String,
    /// Identity that a later object of the same name does not share. For a topic: the Kafka topic id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub uid: Option<Uuid>,
    /// Key-value pairs to select by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Key-value pairs for people and tools; the server does not look at them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Changes whenever anything in the object does, status included. The ETag of the REST API.
    #[serde(default, skip_serializing_if = "ResourceVersion::is_unset")]
    #[schema(value_type = String, example = "42")]
    pub resource_version: ResourceVersion,
    /// Counts changes of `spec`, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u64,
    /// When the object was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub creation_timestamp: Option<Timestamp>,
}

impl ObjectMeta {
    /// The metadata of an object that was not stored yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the creation time to `ms` milliseconds since the Unix epoch; one that no calendar knows is left out.
    pub fn set_created_ms(&mut self, ms: i64) {
        self.creation_timestamp = Timestamp::from_millisecond(ms).ok();
    }
}
