//! What every request can reach.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tidemill_env::Env;
use tidemill_metadata::{Metadata, TopicImage};
use tidemill_modules::Modules;
use tidemill_partition::{Partition, PartitionHooks, Partitions};
use tidemill_storage::CacheBudget;
use tidemill_wire::kafka::error::ResponseError;
use tokio::sync::watch;
use uuid::Uuid;

use crate::config::BrokerConfig;
use crate::errors::Failure;
use crate::group::Coordinator;
use crate::host::Host;
use crate::metrics::Metrics;
use crate::session::FetchSessions;
use crate::transforms::Transforms;

/// A partition as a request names it: by topic id, or by name when the id is nil.
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: Uuid,
    pub(crate) index: i32,
}

/// What the broker shares with its partitions, which it hears of through [`Shared::hooks`].
#[derive(Clone)]
pub struct Shared {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Ticks when a partition was opened, failed or removed.
    pub changes: watch::Sender<u64>,
    /// The memory for recent batches of all partitions.
    pub cache: Arc<CacheBudget>,
    /// The SmartModules of this server.
    pub modules: Modules,
}

impl Shared {
    /// Nothing counted yet, and a cache of `cache_bytes`.
    #[must_use]
    pub fn new(cache_bytes: usize, modules: Modules) -> Self {
        let cache = Arc::new(CacheBudget::new(cache_bytes));
        Self {
            metrics: Arc::default(),
            changes: watch::Sender::new(0),
            cache,
            modules,
        }
    }

    /// What partitions call.
    #[must_use]
    pub fn hooks(&self) -> Arc<dyn PartitionHooks> {
        Arc::new(self.clone())
    }
}

impl PartitionHooks for Shared {
    fn flushed(&self, bytes: u64, took: Duration) {
        self.metrics.flushed(bytes, took);
    }

    fn failed(&self, _topic_id: Uuid, _index: i32) {
        self.metrics.log_failed();
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
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
    /// Consumer groups and their offsets. Serves once [`Coordinator::follow`] runs.
    pub groups: Arc<Coordinator>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What runs SmartModules.
    pub transforms: Transforms,
    pub(crate) sessions: FetchSessions,
    /// Producer ids that this broker may still give.
    pub(crate) producer_ids: tokio::sync::Mutex<Range<i64>>,
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
        let Shared {
            metrics,
            changes,
            cache,
            modules,
        } = parts;
        let host = Host::new(
            config.node_id,
            metadata.clone(),
            Arc::clone(&partitions),
            (cache, changes),
        );
        let groups = Coordinator::over(&env, config.groups.clone(), &metadata, &partitions);
        Self {
            transforms: Transforms::new(&env, modules),
            env,
            config: Arc::new(config),
            metadata,
            partitions,
            host: Arc::new(host),
            groups: Arc::new(groups),
            metrics,
            sessions: FetchSessions::default(),
            producer_ids: tokio::sync::Mutex::new(0..0),
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

    /// The partition at `place`, led here under `epoch`; -1 when the client does not know the epoch.
    pub(crate) fn led_here(&self, place: &Place<'_>, epoch: i32) -> Result<Arc<Partition>, Failure> {
        let unknown = || {
            if place.id.is_nil() {
                Failure::unknown_topic(place.name)
            } else {
                Failure::new(ResponseError::UnknownTopicId, "no topic has this id")
            }
        };
        let topic = self.topic(place.name, place.id).ok_or_else(unknown)?;
        self.led(&topic, place.index, epoch)
    }

    /// Partition `index` of `topic`, led here under `epoch`.
    pub(crate) fn led(&self, topic: &TopicImage, index: i32, epoch: i32) -> Result<Arc<Partition>, Failure> {
        let placed = topic.partition(index);
        let placed = placed.ok_or_else(|| Failure::unknown_topic(&topic.name))?;
        // A partition that is being opened, or could not be, has a leader that cannot serve it now.
        let not_here = || {
            let message = format!("partition {index} of {:?} is not open here", topic.name);
            Failure::new(ResponseError::NotLeaderOrFollower, message)
        };
        let partition = self.partition(topic, index).ok_or_else(not_here)?;
        let current = placed.leader_epoch;
        if epoch >= 0 && epoch < current {
            return Err(Failure::new(
                ResponseError::FencedLeaderEpoch,
                "the leader has changed",
            ));
        }
        if epoch > current {
            return Err(Failure::new(
                ResponseError::UnknownLeaderEpoch,
                "the leader epoch is not known yet",
            ));
        }
        Ok(partition)
    }

    /// 0, or the error that clients are told while a partition led here is not open.
    pub(crate) fn leader_error(&self, topic: &TopicImage, index: i32) -> i16 {
        let here = topic
            .partition(index)
            .is_some_and(|placed| placed.leader == self.config.node_id);
        match here && self.partition(topic, index).is_none() {
            true => ResponseError::LeaderNotAvailable.code(),
            false => 0,
        }
    }

    /// Where every broker's clients connect: id, host and port. This one is told as it is configured, as it
    /// may be asked before its registration is seen.
    pub(crate) fn endpoints(&self) -> Vec<(i32, String, u16)> {
        let image = self.metadata.image();
        let (host, port) = self.config.advertised.clone();
        let mut all = vec![(self.config.node_id, host, port)];
        for broker in image.brokers().filter(|broker| broker.id != self.config.node_id) {
            let kafka = broker.endpoints.iter().find(|endpoint| endpoint.name == "kafka");
            all.extend(kafka.map(|endpoint| (broker.id, endpoint.host.clone(), endpoint.port)));
        }
        all
    }

    /// A fresh topic or session id.
    pub(crate) fn new_uuid(&self) -> Uuid {
        Uuid::from_bytes(self.env.random.uuid_bytes())
    }
}
