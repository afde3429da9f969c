//! Kafka's error codes for what goes wrong here.

use tidemill_metadata::{ProposeError, Reason, Rejection};
use tidemill_partition::{AppendError, FetchError, IngestError};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::protocol::StrBytes;

/// An error code, and the sentence that goes with it where the response has room for one.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: i16,
    pub(crate) message: String,
    /// The records of a batch that are to blame, from 0, and why where they have reasons of their own.
    pub(crate) records: Vec<(i32, Option<String>)>,
}

impl Failure {
    pub(crate) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            code: error.code(),
            message: message.into(),
            records: Vec::new(),
        }
    }

    /// The message as the protocol's strings are.
    pub(crate) fn text(&self) -> Option<StrBytes> {
        Some(StrBytes::from_string(self.message.clone()))
    }

    pub(crate) fn unknown_topic(name: &str) -> Self {
        let message =
            format!("there is no topic or partition {name:?} here; create it, or ask for its metadata again");
        Self::new(ResponseError::UnknownTopicOrPartition, message)
    }
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Self {
        let code = match &error {
            ProposeError::Unavailable(_) => ResponseError::NotController,
            ProposeError::Rejected(rejection) => match rejection.reason {
                // For clients a view is a topic.
                Reason::TopicExists | Reason::ViewExists => ResponseError::TopicAlreadyExists,
                Reason::UnknownTopic | Reason::UnknownView => ResponseError::UnknownTopicOrPartition,
                Reason::InUse => ResponseError::PolicyViolation,
                Reason::InvalidName => ResponseError::InvalidTopicException,
                Reason::InvalidPartitions => ResponseError::InvalidPartitions,
                Reason::InvalidReplicationFactor => ResponseError::InvalidReplicationFactor,
                Reason::InvalidReplicaAssignment => ResponseError::InvalidReplicaAssignment,
                Reason::InvalidConfig { .. } => ResponseError::InvalidConfig,
                Reason::InternalTopic => ResponseError::InvalidTopicException,
                Reason::InvalidRequest
                | Reason::UnknownSmartModule
                | Reason::InvalidTransform
                | Reason::InvalidSource
                | Reason::VersionConflict { .. }
                | Reason::ClusterMismatch
                | Reason::UnknownBroker => ResponseError::InvalidRequest,
            },
        };
        Self::new(code, error.to_string())
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        ProposeError::Rejected(rejection).into()
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            AppendError::Corrupt(_) => ResponseError::CorruptMessage,
            AppendError::InvalidRecord { .. } | AppendError::MissingKeys { .. } => {
                ResponseError::InvalidRecord
            }
            AppendError::InvalidTimestamp { .. } => ResponseError::InvalidTimestamp,
            AppendError::TooLarge { .. } => ResponseError::MessageTooLarge,
            AppendError::UnsupportedFormat { .. } => ResponseError::UnsupportedForMessageFormat,
            AppendError::OutOfOrderSequence { .. } => ResponseError::OutOfOrderSequenceNumber,
            AppendError::FencedProducer { .. } => ResponseError::InvalidProducerEpoch,
            // Clients refresh their metadata and try again, which is right for a replica that failed.
            AppendError::Replicate(tidemill_partition::ReplicateError::Closed { .. })
            | AppendError::Stopping => ResponseError::NotLeaderOrFollower,
            AppendError::Replicate(_) => ResponseError::KafkaStorageError,
            AppendError::Ingest(IngestError::Rejected { .. } | IngestError::Failed { .. }) => {
                ResponseError::InvalidRecord
            }
            // Clients try again.
            AppendError::Ingest(IngestError::Unavailable(_)) => ResponseError::KafkaStorageError,
        };
        let records: Vec<(usize, Option<String>)> = match &error {
            AppendError::InvalidRecord { index, .. }
            | AppendError::InvalidTimestamp { index, .. }
            | AppendError::Ingest(IngestError::Failed {
                index: Some(index), ..
            }) => vec![(*index, None)],
            AppendError::MissingKeys { indexes } => indexes.iter().map(|index| (*index, None)).collect(),
            AppendError::Ingest(IngestError::Rejected { records }) => {
                let told = records.iter();
                told.map(|(index, why)| (*index, Some(why.clone()))).collect()
            }
            _ => Vec::new(),
        };
        let blamed = |(index, why)| Some((i32::try_from(index).ok()?, why));
        Self {
            records: records.into_iter().filter_map(blamed).collect(),
            ..Self::new(code, error.to_string())
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let code = match &error {
            FetchError::OutOfRange { .. } => ResponseError::OffsetOutOfRange,
            FetchError::Storage(_) => ResponseError::KafkaStorageError,
            FetchError::Closed => ResponseError::NotLeaderOrFollower,
        };
        Self::new(code, error.to_string())
    }
}
