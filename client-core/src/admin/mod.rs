//! Looking after the cluster: topics, settings, groups, brokers.
//!
//! Every call is tried again while the cluster cannot answer, for as long as the client's retry timeout. All are
//! cancellation safe in that nothing is left half sent; a change asked for may still happen after the future is dropped.

mod brokers;
mod configs;
mod groups;
mod topics;

pub use brokers::{
    ApiRange, BrokerDescription, ClusterAdmin, ClusterDescription, LogDir, ProducerState, ReplicaSize,
};
pub use configs::{ConfigChange, ConfigEntry, Configs};
pub use groups::{
    GroupDescription, GroupMember, GroupOffset, GroupSummary, Groups, TopicPartition, TopicPartitionOffset,
};
pub use topics::{
    NewTopic, PartitionDescription, PartitionOffset, TopicCreated, TopicDescription, TopicSummary, Topics,
};
