//! Why a command is refused.

use serde::{Deserialize, Serialize};

/// What kind of refusal it is: what Kafka error code and HTTP status to answer with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// There is a topic of that name.
    TopicExists,
    /// There is no topic of that name, or it has another id.
    UnknownTopic,
    /// The name is not legal.
    InvalidName,
    /// The number of partitions is not legal.
    InvalidPartitions,
    /// The number of replicas is not legal, or there are too few brokers.
    InvalidReplicationFactor,
    /// The chosen replicas are not legal.
    InvalidReplicaAssignment,
    /// A config is unknown or its value is not legal.
    InvalidConfig {
        /// The Kafka name of the config.
        key: String,
    },
    /// A label or another part of the request is not legal.
    InvalidRequest,
    /// The object was changed since the caller saw it.
    VersionConflict {
        /// The version it has now.
        current: u64,
    },
    /// The topic is the server's own.
    InternalTopic,
    /// There is no SmartModule of that name.
    UnknownSmartModule,
    /// There is no view of that name, or it has another id.
    UnknownView,
    /// There is a view of that name: topics and views share their names.
    ViewExists,
    /// A transform cannot work: its module or version is unknown, or does not fit.
    InvalidTransform,
    /// A view's source is unknown, or cannot be one.
    InvalidSource,
    /// Something else uses it.
    InUse,
    /// The cluster has another id.
    ClusterMismatch,
    /// There is no broker of that id.
    UnknownBroker,
}

/// A refused command: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The kind of refusal.
    pub reason: Reason,
    /// What failed, on what, and the mend.
    pub message: String,
    /// The field of the object that is at fault, such as `spec.partitions`.
    pub field: Option<String>,
    /// Which command of a batch was refused, from 0.
    pub command: Option<usize>,
}

impl Rejection {
    /// A refusal.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            field: None,
            command: None,
        }
    }

    /// The same refusal, naming the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(crate) fn unknown_topic(name: &str) -> Self {
        let name = name.escape_debug();
        Self::new(
            Reason::UnknownTopic,
            format!("there is no topic `{name}`: create it first"),
        )
    }
}
