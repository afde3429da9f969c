//! What every request can reach.

use std::sync::Arc;

use tidemill_env::Env;
use tidemill_metadata::{Metadata, TopicImage};
use tidemill_partition::{Partition, Partitions};
use tidemill_storage::CacheBudget;
use uuid::Uuid;

use crate::config::BrokerConfig;
use crate::host::Host;
use crate::metrics::Metrics;
use crate::session::FetchSessions;

/// What the broker shares with its partitions.
pub struct Shared {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The memory for recent batches of all partitions.
    pub cache: Arc<CacheBudget>,
}

/// One broker. Shared by `Arc`.
pub struct Broker {
    /// Clock, disk, randomness, tasks.
    pub env: Env,
    /// Settings.
    pub config: Arc<BrokerConfig>,
    /// The cluster as it is known here, and the way to change it.
    pub metadata: Metadata,
    /// The partitions hosted here.
    pub partitions: Arc<Partitions>,
    /// What keeps them open.
    pub host: Arc<Host>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    pub(crate) sessions: FetchSessions,
}

impl Broker {
    /// A broker over what `server` has opened. Recent batches of all partitions share `cache`.
    #[must_use]
    pub fn new(
        env: Env,
        config: BrokerConfig,
        metadata: Metadata,
        partitions: Arc<Partitions>,
        parts: Shared,
    ) -> Self {
        let Shared { metrics, cache } = parts;
        let host = Host::new(config.node_id, metadata.clone(), Arc::clone(&partitions), cache);
        Self {
            env,
            config: Arc::new(config),
            metadata,
            partitions,
            host: Arc::new(host),
            metrics,
            sessions: FetchSessions::default(),
        }
    }

    /// The topic of a request that names it by `id` (newer clients) or `name`.
    pub(crate) fn topic(&self, name: &str, id: Uuid) -> Option<Arc<TopicImage>> {
        let image = self.metadata.image();
        let topic = if id.is_nil() {
            image.topic(name)
        } else {
            image.topic_by_id(id)
        };
        topic.cloned()
    }

    /// Partition `index` of `topic`, when it is open here.
    pub(crate) fn partition(&self, topic: &TopicImage, index: i32) -> Option<Arc<Partition>> {
        self.partitions.get(topic.id, index)
    }

    /// A fresh topic or session id.
    pub(crate) fn new_uuid(&self) -> Uuid {
        Uuid::from_bytes(self.env.random.uuid_bytes())
    }
}
