//! What every request can reach.

use std::sync::Arc;

use tidemill_env::Env;
use tidemill_metadata::{Metadata, TopicImage};
use tidemill_partition::{Partition, Partitions};
use uuid::Uuid;

use crate::config::BrokerConfig;
use crate::metrics::Metrics;
use crate::session::FetchSessions;

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
    /// Counters.
    pub metrics: Arc<Metrics>,
    pub(crate) sessions: FetchSessions,
}

impl Broker {
    /// A broker over what `server` has opened.
    #[must_use]
    pub fn new(
        env: Env,
        config: BrokerConfig,
        metadata: Metadata,
        partitions: Arc<Partitions>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            env,
            config: Arc::new(config),
            metadata,
            partitions,
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
