//! Consumer groups: membership, assignment and committed offsets.
//!
//! **Purpose.** [`Coordinator`] answers the group and offset requests of the Kafka protocol. The rules
//! are in pure state machines: `classic` for JoinGroup and its kin, `consumer` for KIP-848. What
//! must survive is written to the internal topic `__consumer_offsets` in Kafka's own formats
//! ([`records`]) and read back when a partition of that topic is opened.
//!
//! **Invariants.** A group lives on one partition of the topic, found by Kafka's hash of its id. State
//! changes and records are made in one order. An answer that shows a change leaves only after the
//! change is committed. If a write fails, the partition's groups are forgotten and read again.
//!
//! **Must not know.** Sockets, request versions' encodings, how records are replicated.

pub(crate) mod bounds;
pub(crate) mod classic;
pub(crate) mod commits;
mod config;
pub(crate) mod consumer;
mod coordinator;
mod hash;
mod heartbeat;
mod image;
mod journal;
mod keeper;
mod loader;
mod log;
pub(crate) mod membership;
mod migration;
mod offsets;
mod overview;
mod partition_log;
pub mod records;
mod retention;
mod shard;
mod state;
mod topics;

#[cfg(test)]
mod tests;

pub use config::{GroupConfig, MigrationPolicy};
pub use coordinator::Coordinator;
pub use hash::partition_for;
pub use log::{Committed, GroupLog, LogError, RawRecord, Visitor};
pub use overview::{GroupDescription, GroupOverview, MemberDescription, MemberDetail, PartitionOffset};
pub use topics::{TopicInfo, TopicSource, Topics};

/// The internal topic that groups and offsets are kept in.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
