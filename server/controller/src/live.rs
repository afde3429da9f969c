//! Facts that are asked for when needed and never stored.

use std::collections::BTreeSet;

use tidemill_env::BoxFuture;
use tidemill_resource::{ByteSize, ConsumerGroupSpec, ConsumerGroupStatus};
use tokio::sync::watch;
use uuid::Uuid;

use crate::http::Answered;

/// A replica on this broker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionFacts {
    /// First offset that can be read.
    pub log_start_offset: i64,
    /// One past the last offset that consumers see.
    pub high_watermark: i64,
    /// Bytes of log.
    pub size_bytes: u64,
    /// Why it takes no records, if its disk failed.
    pub failed: Option<String>,
}

/// A broker that runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrokerFacts {
    /// Version of the server.
    pub version: String,
    /// Bytes of log on its disk.
    pub log_size: ByteSize,
    /// Why it does not serve clients; empty when it does.
    pub not_ready: Vec<String>,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    /// The group id.
    pub id: String,
    /// Its protocol.
    pub spec: ConsumerGroupSpec,
    /// Members, offsets, lag.
    pub status: ConsumerGroupStatus,
}

/// The consumer groups are not known yet, after a start or a change of coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the consumer groups are still being read from the log: try again")]
pub struct GroupsLoading;

/// Why a group was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeleteGroupError {
    /// There is no such group.
    #[error("there is no consumer group `{0}`: see GET /v1/consumergroups for those there are")]
    NotFound(String),
    /// It has members.
    #[error("the consumer group `{0}` has members: stop them first")]
    NotEmpty(String),
    /// The coordinator cannot do it now.
    #[error("the consumer group `{id}` cannot be deleted now ({reason}): try again")]
    Unavailable {
        /// The group id.
        id: String,
        /// What is in the way.
        reason: String,
    },
}

/// What a running broker can tell. The server implements it over the data plane.
///
/// [`Live::partition`] must not touch the disk: it is asked for every partition at every turn of the reconciler.
pub trait Live: Send + Sync {
    /// The replica of this partition, once it is open here.
    fn partition(&self, topic: Uuid, index: u32) -> Option<PartitionFacts>;

    /// Ids of topics that have data on this broker's disk, whether open or not: a deletion counts as finished, and
    /// is forgotten, once its id is missing here. May list a directory; asked only while a deletion is under way.
    fn topics_on_disk(&self) -> BTreeSet<Uuid>;

    /// The broker of this id, if it runs.
    fn broker(&self, id: i32) -> Option<BrokerFacts>;

    /// Why the transforms of this topic's ingest, or of this view, failed when they last ran; `None` when they did
    /// not, or nobody used them.
    fn chain_failure(&self, _id: Uuid) -> Option<String> {
        None
    }

    /// Changes whenever an answer of [`Live::chain_failure`], of [`Live::partition`] to "is it open, did it fail" or of
    /// [`Live::topics_on_disk`] may have changed. The number means nothing.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Why this process should get no traffic; empty when it should.
    fn not_ready(&self) -> Vec<String>;

    /// Every consumer group, by id.
    ///
    /// # Errors
    /// [`GroupsLoading`]: some are still being read.
    fn groups(&self) -> BoxFuture<'_, Result<Vec<GroupFacts>, GroupsLoading>>;

    /// The consumer group of this id.
    ///
    /// # Errors
    /// [`GroupsLoading`]: whether it is there is not known yet.
    fn group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<GroupFacts>, GroupsLoading>>;

    /// Deletes an empty consumer group and its offsets.
    fn delete_group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), DeleteGroupError>>;

    /// Counts a request that was answered over HTTP.
    fn answered(&self, request: &Answered<'_>);

    /// All metrics in the OpenMetrics text format.
    fn metrics(&self) -> String;
}
