//! The kinds that are only read: brokers, partitions and consumer groups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::bytesize::ByteSize;
use crate::condition::Condition;
use crate::kind::Kind;
use crate::object::{Object, Spec};

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The listener's name, such as `kafka` or `http`.
    pub name: String,
    /// Host that clients are told to use.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A broker of the cluster. Named by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrokerSpec {
    /// Kafka node id.
    pub id: i32,
    /// Rack or zone, where replicas should not share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
}

/// What is known of a broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrokerStatus {
    /// `Ready` says whether it serves clients.
    pub conditions: Vec<Condition>,
    /// Partition replicas that it hosts.
    pub partitions: u32,
    /// Partitions that it leads.
    pub leaders: u32,
    /// Bytes of log on its disk.
    #[schema(value_type = String, example = "10GiB")]
    pub log_size: ByteSize,
    /// Version of the server.
    pub version: String,
}

impl Spec for BrokerSpec {
    const KIND: Kind = Kind::Broker;
    type Status = BrokerStatus;
}

/// A partition of a topic. Named `{topic}-{partition}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionSpec {
    /// The topic's name.
    pub topic: String,
    /// The topic's id.
    #[schema(value_type = String)]
    pub topic_id: Uuid,
    /// Index within the topic, from 0.
    pub partition: u32,
    /// Brokers that should hold a replica; the first is the preferred leader.
    pub replicas: Vec<i32>,
}

/// What is known of a partition. Offsets are asked for when the object is read, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartitionStatus {
    /// `Ready` says whether it takes and gives records.
    pub conditions: Vec<Condition>,
    /// Broker that leads it, or -1.
    pub leader: i32,
    /// Grows with every change of leader.
    pub leader_epoch: i32,
    /// Replicas that have every acknowledged record.
    pub in_sync_replicas: Vec<i32>,
    /// First offset that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_start_offset: Option<i64>,
    /// One past the last offset that consumers see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_watermark: Option<i64>,
    /// Bytes of log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10GiB")]
    pub log_size: Option<ByteSize>,
}

impl Spec for PartitionSpec {
    const KIND: Kind = Kind::Partition;
    type Status = PartitionStatus;
}

/// A consumer group. Named by its group id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumerGroupSpec {
    /// `classic`, or `consumer` for the protocol of KIP-848.
    pub protocol: String,
}

/// A member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupMember {
    /// Given by the coordinator.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// `client.id` of the member.
    pub client_id: String,
    /// Address that the member connects from.
    pub host: String,
    /// Partitions it reads, as `{topic}-{partition}`.
    pub partitions: Vec<String>,
}

/// How far a group is in one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupOffset {
    /// The topic's name.
    pub topic: String,
    /// Index within the topic.
    pub partition: u32,
    /// Next offset the group will read.
    pub committed: i64,
    /// Offsets between `committed` and the high watermark; absent when the partition is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<i64>,
}

/// What is known of a group. Asked for when the object is read, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumerGroupStatus {
    /// Kafka's state: `Empty`, `Stable`, `PreparingRebalance`, ...
    pub state: String,
    /// The assignor in use, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignor: Option<String>,
    /// Broker that coordinates the group.
    pub coordinator: i32,
    /// Who is in it.
    pub members: Vec<GroupMember>,
    /// Committed offsets.
    pub offsets: Vec<GroupOffset>,
    /// Sum of the known lags.
    pub total_lag: i64,
}

impl Spec for ConsumerGroupSpec {
    const KIND: Kind = Kind::ConsumerGroup;
    type Status = ConsumerGroupStatus;
}

/// A broker as an object.
pub type Broker = Object<BrokerSpec>;
/// A partition as an object.
pub type Partition = Object<PartitionSpec>;
/// A consumer group as an object.
pub type ConsumerGroup = Object<ConsumerGroupSpec>;
