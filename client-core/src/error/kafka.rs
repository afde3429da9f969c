//! From the broker's error codes to kinds, with the mend where there is a usual one.

use tidemill_wire::kafka::ResponseError;

use super::{Error, ErrorKind};

pub(super) fn from_code(code: i16, what: &str, detail: Option<&str>) -> Error {
    let Some(known) = ResponseError::try_from_code(code) else {
        return Error::internal(format!("{what}: the server reported a failure with code 0"));
    };
    let message = match (detail, mend(known)) {
        // The server knows the case, and its words have the mend that fits.
        (Some(detail), _) if !detail.is_empty() => format!("{what}: {detail} ({known})"),
        (_, Some(mend)) => format!("{what}: {}. {mend}", explain(known)),
        _ => format!("{what}: {}", explain(known)),
    };
    Error::new(ErrorKind::of(known), message)
        .with_code(code)
        .with_retriable(known.is_retriable())
}

/// Whether the answer means "your view of who leads this partition is old": refresh the metadata and try again.
pub(crate) fn is_stale_leader(code: i16) -> bool {
    use ResponseError as E;
    matches!(
        ResponseError::try_from_code(code),
        Some(
            E::NotLeaderOrFollower
                | E::LeaderNotAvailable
                | E::UnknownTopicOrPartition
                | E::ReplicaNotAvailable
                | E::FencedLeaderEpoch
                | E::UnknownLeaderEpoch
                | E::UnknownTopicId
                | E::InconsistentTopicId
                | E::KafkaStorageError
                | E::ListenerNotFound
        )
    )
}

fn explain(error: ResponseError) -> String {
    use ResponseError as E;
    let text = match error {
        E::UnknownTopicOrPartition => "no such topic or partition",
        E::TopicAlreadyExists => "a topic of this name exists already",
        E::OffsetOutOfRange => "the offset is outside the log",
        E::MessageTooLarge => "a batch is larger than the topic's max.message.bytes",
        E::InvalidTopicException => "the topic name is not valid",
        E::NonEmptyGroup => "the group still has members",
        E::GroupIdNotFound => "no such consumer group",
        E::RebalanceInProgress => "the group is rebalancing",
        E::UnknownMemberId => "the coordinator does not know this member (it was removed from the group)",
        E::CoordinatorNotAvailable => "the group coordinator is not available",
        E::NotLeaderOrFollower => "the broker does not lead this partition",
        other => return format!("the server answered {other} (code {})", other.code()),
    };
    text.to_owned()
}

fn mend(error: ResponseError) -> Option<&'static str> {
    use ResponseError as E;
    Some(match error {
        E::MessageTooLarge | E::RecordListTooLarge => {
            "Send smaller records, or raise max.message.bytes of the topic"
        }
        E::InvalidTopicException => "Use up to 249 letters, digits, '.', '_' and '-'",
        E::NonEmptyGroup => "Stop the group's consumers first",
        E::UnknownMemberId => "Process faster, or raise the session or rebalance timeout",
        E::FencedInstanceId => "Another consumer uses the same instance id: give each its own",
        E::UnsupportedVersion => "Client and server share no version of this request: upgrade the older one",
        E::InvalidReplicationFactor => "Ask for at most as many replicas as there are brokers",
        _ => return None,
    })
}
