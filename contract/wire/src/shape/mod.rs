//! The shape of every served request and of its response, walked before the codec sees it.
//!
//! The codec makes room for as many elements as an array claims to have: eighteen bytes can ask for a
//! hundred gigabytes, and an allocation that fails ends the process. Walking the bytes first costs little
//! (lengths are skipped, not read: record data is one step, whatever its size) and shows that every element
//! that is claimed is there, and that decoding them takes memory in proportion to the message. A server checks
//! requests so, a client the responses: neither trusts its peer.

#[rustfmt::skip] // tables
mod cluster;
#[rustfmt::skip] // tables
mod members;
#[rustfmt::skip] // tables
mod requests;
#[rustfmt::skip] // tables
mod responses;
#[cfg(test)]
mod tests;
mod walk;

use crate::kafka::messages::ApiKey;

pub(crate) use members::{ASSIGNMENT, SUBSCRIPTION};

/// The version from which nothing is compact and tagged: there is none.
pub(super) const NEVER: i16 = i16::MAX;

/// The fields of a message, and the first version with compact lengths and tagged fields.
#[derive(Debug)]
pub(crate) struct Shape {
    flexible: i16,
    fields: &'static [Field],
}

/// One field, and where it stands.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    min: i16,
    max: i16,
    /// Set for a field of the tagged section.
    tag: Option<u32>,
    kind: Kind,
}

/// How a field is written.
#[derive(Debug)]
pub(super) enum Kind {
    /// As many bytes.
    Fixed(usize),
    /// A string, or null.
    Text,
    /// Bytes, or null.
    Data,
    /// An array of values of this many bytes each.
    Fixeds(usize),
    /// An array of strings.
    Texts,
    /// An array of structures that take this many bytes each once decoded.
    Structs(usize, &'static [Field]),
    /// A structure.
    Inner(&'static [Field]),
    /// A structure behind a byte that says whether it is there.
    Optional(&'static [Field]),
}

pub(super) const fn shape(flexible: i16, fields: &'static [Field]) -> Shape {
    Shape { flexible, fields }
}

pub(super) const fn between(min: i16, max: i16, name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        min,
        max,
        tag: None,
        kind,
    }
}

pub(super) const fn since(min: i16, name: &'static str, kind: Kind) -> Field {
    between(min, i16::MAX, name, kind)
}

pub(super) const fn always(name: &'static str, kind: Kind) -> Field {
    between(0, i16::MAX, name, kind)
}

pub(super) const fn tagged(tag: u32, name: &'static str, min: i16, kind: Kind) -> Field {
    Field {
        name,
        min,
        max: i16::MAX,
        tag: Some(tag),
        kind,
    }
}

impl Field {
    fn is_in(&self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

/// Decoded, a request may take this much: a million topics or partitions.
const MOST_OF_A_REQUEST: usize = 128 << 20;
/// A response may take more: it tells of a whole cluster.
const MOST_OF_A_RESPONSE: usize = 512 << 20;

/// Checks that `body` (what follows the request header) is a whole request of `key` and `version`, and
/// that decoding it takes memory in proportion to its bytes. Answers how many bytes that is, besides `body` itself.
///
/// # Errors
///
/// Says which field goes wrong, and how.
pub(crate) fn check_request(key: ApiKey, version: i16, body: &[u8]) -> Result<usize, String> {
    let shape = request(key).ok_or_else(|| "its shape is not known".to_owned())?;
    // Kafka ignores what follows a request, and librdkafka pads some.
    walk::front(shape, version, body, MOST_OF_A_REQUEST).map(|walked| walked.memory)
}

/// As [`check_request`], for what follows the response header.
///
/// # Errors
///
/// Says which field goes wrong, and how.
pub(crate) fn check_response(key: ApiKey, version: i16, body: &[u8]) -> Result<(), String> {
    whole(response(key), version, body, MOST_OF_A_RESPONSE)
}

/// As [`check_request`], for a message that others may append to.
///
/// # Errors
///
/// Says which field goes wrong, and how.
pub(crate) fn check_front(shape: &'static Shape, version: i16, body: &[u8]) -> Result<(), String> {
    walk::front(shape, version, body, MOST_OF_A_REQUEST).map(drop)
}

fn whole(shape: Option<&'static Shape>, version: i16, body: &[u8], most: usize) -> Result<(), String> {
    let shape = shape.ok_or_else(|| "its shape is not known".to_owned())?;
    match walk::front(shape, version, body, most)?.left {
        0 => Ok(()),
        left => Err(format!("{left} bytes follow it")),
    }
}

/// Checks that the tagged fields of a message header, of which none is known, do not take memory out of
/// proportion. `header` begins with `fixed` bytes; `text` tells whether a nullable string follows them.
///
/// # Errors
///
/// Says what goes wrong.
pub(crate) fn check_header(fixed: usize, text: bool, flexible: bool, header: &[u8]) -> Result<(), String> {
    walk::header(fixed, text, flexible, header)
}

/// The shape of a request; `None` for an API that is not served.
fn request(key: ApiKey) -> Option<&'static Shape> {
    Some(match key {
        ApiKey::Produce => &requests::PRODUCE,
        ApiKey::Fetch => &requests::FETCH,
        ApiKey::ListOffsets => &requests::LIST_OFFSETS,
        ApiKey::Metadata => &requests::METADATA,
        ApiKey::OffsetCommit => &requests::OFFSET_COMMIT,
        ApiKey::OffsetFetch => &requests::OFFSET_FETCH,
        ApiKey::FindCoordinator => &requests::FIND_COORDINATOR,
        ApiKey::JoinGroup => &requests::JOIN_GROUP,
        ApiKey::Heartbeat => &requests::HEARTBEAT,
        ApiKey::LeaveGroup => &requests::LEAVE_GROUP,
        ApiKey::SyncGroup => &requests::SYNC_GROUP,
        ApiKey::DescribeGroups => &requests::DESCRIBE_GROUPS,
        ApiKey::ListGroups => &requests::LIST_GROUPS,
        ApiKey::ApiVersions => &requests::API_VERSIONS,
        ApiKey::CreateTopics => &requests::CREATE_TOPICS,
        ApiKey::DeleteTopics => &requests::DELETE_TOPICS,
        ApiKey::DeleteRecords => &requests::DELETE_RECORDS,
        ApiKey::InitProducerId => &requests::INIT_PRODUCER_ID,
        ApiKey::OffsetForLeaderEpoch => &requests::OFFSET_FOR_LEADER_EPOCH,
        ApiKey::DescribeConfigs => &requests::DESCRIBE_CONFIGS,
        ApiKey::AlterConfigs => &requests::ALTER_CONFIGS,
        ApiKey::DescribeLogDirs => &requests::DESCRIBE_LOG_DIRS,
        ApiKey::CreatePartitions => &requests::CREATE_PARTITIONS,
        ApiKey::DeleteGroups => &requests::DELETE_GROUPS,
        ApiKey::IncrementalAlterConfigs => &requests::INCREMENTAL_ALTER_CONFIGS,
        ApiKey::OffsetDelete => &requests::OFFSET_DELETE,
        ApiKey::DescribeCluster => &requests::DESCRIBE_CLUSTER,
        ApiKey::DescribeProducers => &requests::DESCRIBE_PRODUCERS,
        ApiKey::ConsumerGroupHeartbeat => &requests::CONSUMER_GROUP_HEARTBEAT,
        ApiKey::ConsumerGroupDescribe => &requests::CONSUMER_GROUP_DESCRIBE,
        ApiKey::DescribeTopicPartitions => &requests::DESCRIBE_TOPIC_PARTITIONS,
        ApiKey::AlterReplicaLogDirs => &cluster::requests::ALTER_REPLICA_LOG_DIRS,
        ApiKey::ElectLeaders => &cluster::requests::ELECT_LEADERS,
        ApiKey::AlterPartitionReassignments => &cluster::requests::ALTER_PARTITION_REASSIGNMENTS,
        ApiKey::ListPartitionReassignments => &cluster::requests::LIST_PARTITION_REASSIGNMENTS,
        ApiKey::DescribeClientQuotas => &cluster::requests::DESCRIBE_CLIENT_QUOTAS,
        ApiKey::DescribeUserScramCredentials => &cluster::requests::DESCRIBE_USER_SCRAM_CREDENTIALS,
        ApiKey::DescribeQuorum => &cluster::requests::DESCRIBE_QUORUM,
        ApiKey::ListConfigResources => &cluster::requests::LIST_CONFIG_RESOURCES,
        _ => return None,
    })
}

/// The shape of a response; `None` for an API that is not served.
fn response(key: ApiKey) -> Option<&'static Shape> {
    Some(match key {
        ApiKey::Produce => &responses::PRODUCE,
        ApiKey::Fetch => &responses::FETCH,
        ApiKey::ListOffsets => &responses::LIST_OFFSETS,
        ApiKey::Metadata => &responses::METADATA,
        ApiKey::OffsetCommit => &responses::OFFSET_COMMIT,
        ApiKey::OffsetFetch => &responses::OFFSET_FETCH,
        ApiKey::FindCoordinator => &responses::FIND_COORDINATOR,
        ApiKey::JoinGroup => &responses::JOIN_GROUP,
        ApiKey::Heartbeat => &responses::HEARTBEAT,
        ApiKey::LeaveGroup => &responses::LEAVE_GROUP,
        ApiKey::SyncGroup => &responses::SYNC_GROUP,
        ApiKey::DescribeGroups => &responses::DESCRIBE_GROUPS,
        ApiKey::ListGroups => &responses::LIST_GROUPS,
        ApiKey::ApiVersions => &responses::API_VERSIONS,
        ApiKey::CreateTopics => &responses::CREATE_TOPICS,
        ApiKey::DeleteTopics => &responses::DELETE_TOPICS,
        ApiKey::DeleteRecords => &responses::DELETE_RECORDS,
        ApiKey::InitProducerId => &responses::INIT_PRODUCER_ID,
        ApiKey::OffsetForLeaderEpoch => &responses::OFFSET_FOR_LEADER_EPOCH,
        ApiKey::DescribeConfigs => &responses::DESCRIBE_CONFIGS,
        ApiKey::AlterConfigs => &responses::ALTER_CONFIGS,
        ApiKey::DescribeLogDirs => &responses::DESCRIBE_LOG_DIRS,
        ApiKey::CreatePartitions => &responses::CREATE_PARTITIONS,
        ApiKey::DeleteGroups => &responses::DELETE_GROUPS,
        ApiKey::IncrementalAlterConfigs => &responses::INCREMENTAL_ALTER_CONFIGS,
        ApiKey::OffsetDelete => &responses::OFFSET_DELETE,
        ApiKey::DescribeCluster => &responses::DESCRIBE_CLUSTER,
        ApiKey::DescribeProducers => &responses::DESCRIBE_PRODUCERS,
        ApiKey::ConsumerGroupHeartbeat => &responses::CONSUMER_GROUP_HEARTBEAT,
        ApiKey::ConsumerGroupDescribe => &responses::CONSUMER_GROUP_DESCRIBE,
        ApiKey::DescribeTopicPartitions => &responses::DESCRIBE_TOPIC_PARTITIONS,
        ApiKey::AlterReplicaLogDirs => &cluster::responses::ALTER_REPLICA_LOG_DIRS,
        ApiKey::ElectLeaders => &cluster::responses::ELECT_LEADERS,
        ApiKey::AlterPartitionReassignments => &cluster::responses::ALTER_PARTITION_REASSIGNMENTS,
        ApiKey::ListPartitionReassignments => &cluster::responses::LIST_PARTITION_REASSIGNMENTS,
        ApiKey::DescribeClientQuotas => &cluster::responses::DESCRIBE_CLIENT_QUOTAS,
        ApiKey::DescribeUserScramCredentials => &cluster::responses::DESCRIBE_USER_SCRAM_CREDENTIALS,
        ApiKey::DescribeQuorum => &cluster::responses::DESCRIBE_QUORUM,
        ApiKey::ListConfigResources => &cluster::responses::LIST_CONFIG_RESOURCES,
        _ => return None,
    })
}
