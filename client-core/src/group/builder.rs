//! How a member of a consumer group is described.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Assignor, GroupConsumer, GroupProtocol, membership};
use crate::cluster::Cluster;
use crate::consumer::{FetchSettings, Start, fetch_setters};
use crate::error::{Error, Result};

/// The settings of a group consumer. Made by [`crate::Client::group`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct GroupBuilder {
    cluster: Arc<Cluster>,
    settings: FetchSettings,
    group: GroupSettings,
}

#[derive(Clone, Debug)]
pub(super) struct GroupSettings {
    pub(super) id: String,
    pub(super) topics: BTreeSet<Arc<str>>,
    pub(super) start: Start,
    pub(super) protocol: GroupProtocol,
    pub(super) assignor: Assignor,
    pub(super) instance_id: Option<String>,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) auto_commit: Option<Duration>,
}

impl GroupBuilder {
    pub(crate) fn new(cluster: Arc<Cluster>, id: String) -> Self {
        let settings = FetchSettings::new(cluster.settings().request_timeout);
        let group = GroupSettings {
            id,
            topics: BTreeSet::new(),
            start: Start::Latest,
            protocol: GroupProtocol::default(),
            assignor: Assignor::default(),
            instance_id: None,
            session_timeout: Duration::from_secs(45),
            rebalance_timeout: Duration::from_secs(300),
            auto_commit: Some(Duration::from_secs(5)),
        };
        Self {
            cluster,
            settings,
            group,
        }
    }

    fetch_setters!();

    /// Reads `topic`. May be repeated.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.group.topics.insert(topic.into().into());
        self
    }

    /// Where to begin in partitions for which the group has committed nothing: [`Start::Latest`], the default,
    /// [`Start::Earliest`], or any other.
    pub fn start(mut self, start: Start) -> Self {
        self.group.start = start;
        self
    }

    /// Which group protocol to speak. Default [`GroupProtocol::Classic`].
    pub fn protocol(mut self, protocol: GroupProtocol) -> Self {
        self.group.protocol = protocol;
        self
    }

    /// How a classic group divides its partitions. All members must share one. Default
    /// [`Assignor::CooperativeSticky`].
    pub fn assignor(mut self, assignor: Assignor) -> Self {
        self.group.assignor = assignor;
        self
    }

    /// A fixed name: a member that comes back under it within the session timeout gets its partitions back without
    /// a rebalance (KIP-345).
    pub fn instance_id(mut self, id: impl Into<String>) -> Self {
        self.group.instance_id = Some(id.into());
        self
    }

    /// How long the group waits for a member that went silent. Default 45 s; classic groups only.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.group.session_timeout = timeout;
        self
    }

    /// How long the group waits in a rebalance for a member to finish the records it has. Default 5 minutes.
    pub fn rebalance_timeout(mut self, timeout: Duration) -> Self {
        self.group.rebalance_timeout = timeout;
        self
    }

    /// How often processed records are committed by themselves; `None` leaves it to [`GroupConsumer::commit`].
    /// Default every 5 s, and whenever partitions are given up.
    pub fn auto_commit(mut self, every: Option<Duration>) -> Self {
        self.group.auto_commit = every;
        self
    }

    /// Starts the member; it joins in the background, and [`GroupConsumer::next_batch`] waits for that.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty group id or no topics, `NotFound` for an unknown topic. Cancellation safe.
    pub async fn build(self) -> Result<GroupConsumer> {
        if self.group.id.is_empty() {
            return Err(Error::invalid("the group id is empty: give the group a name"));
        }
        if self.group.topics.is_empty() {
            return Err(Error::invalid(format!(
                "group {:?} has nothing to read: name a topic",
                self.group.id
            )));
        }
        for topic in &self.group.topics {
            self.cluster.ask_topic(topic).await?;
        }
        Ok(membership::start(self.cluster, self.settings, self.group))
    }
}
