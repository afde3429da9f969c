//! Keeping the partitions open that the metadata puts here: level-triggered, by comparing what should
//! be with what is, after every change.

mod settings;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_metadata::{Image, Metadata, TopicImage};
use tidemill_partition::{PartitionSpec, Partitions};
use tidemill_storage::CacheBudget;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Broker;
use settings::{Settings, partition_config};

/// Partitions opened at once: opening waits for the disk.
const AT_ONCE: usize = 16;
/// Pause before a partition that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// The partitions of one broker, and what is on its disk.
pub struct Host {
    node_id: i32,
    metadata: Metadata,
    partitions: Arc<Partitions>,
    cache: Arc<CacheBudget>,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Topics that have a directory here.
    on_disk: BTreeSet<Uuid>,
    /// Settings that the open partitions of a topic were last given.
    applied: FxHashMap<Uuid, Applied>,
    /// Deleted topics whose data is being removed.
    removing: FxHashSet<Uuid>,
    /// Why a partition cannot be opened.
    refused: FxHashMap<(Uuid, i32), String>,
}

/// Settings in force, and the version of the topic that they come from.
struct Applied {
    version: u64,
    settings: Arc<Settings>,
}

impl State {
    /// Notes the settings of `topic`; says whether open partitions must be told. An image older than what
    /// is known changes nothing.
    fn adopt(&mut self, topic: &TopicImage) -> bool {
        let version = topic.meta.resource_version.0;
        let fresh = || Applied {
            version,
            settings: Arc::new(Settings::of(topic)),
        };
        match self.applied.get_mut(&topic.id) {
            None => {
                self.applied.insert(topic.id, fresh());
                false
            }
            Some(known) if known.version >= version => false,
            Some(known) => {
                let changed = *known.settings != Settings::of(topic);
                known.version = version;
                if changed {
                    *known = fresh();
                }
                changed
            }
        }
    }

    fn settings(&self, topic: Uuid) -> Option<Arc<Settings>> {
        self.applied.get(&topic).map(|known| Arc::clone(&known.settings))
    }
}

impl Host {
    /// Nothing is open yet. Recent batches of all partitions share `cache`.
    #[must_use]
    pub fn new(
        node_id: i32,
        metadata: Metadata,
        partitions: Arc<Partitions>,
        (cache, changes): (Arc<CacheBudget>, watch::Sender<u64>),
    ) -> Self {
        Self {
            node_id,
            metadata,
            partitions,
            cache,
            state: Mutex::default(),
            changes,
        }
    }

    /// Ids of topics that have data on this disk, deleted ones included. Does not touch the disk.
    #[must_use]
    pub fn topics_on_disk(&self) -> BTreeSet<Uuid> {
        self.state().on_disk.clone()
    }

    /// Why a partition that belongs here could not be opened, if so.
    #[must_use]
    pub fn refused(&self, topic: Uuid, index: i32) -> Option<String> {
        self.state().refused.get(&(topic, index)).cloned()
    }

    /// The partitions that belong here and could not be opened, with the reasons.
    #[must_use]
    pub fn not_open(&self) -> Vec<String> {
        let image = self.metadata.image();
        let state = self.state();
        let mut refused: Vec<String> = state
            .refused
            .iter()
            .filter_map(|((topic, index), reason)| {
                let name = &image.topic_by_id(*topic)?.name;
                Some(format!("{name}-{index}: {reason}"))
            })
            .collect();
        refused.sort();
        refused
    }

    /// Changes whenever a partition was opened, failed or removed. The number means nothing.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Tells those who follow [`Host::changes`] to look again.
    pub fn note_change(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Looks at the disk, once, before the first [`Host::reconcile`]: what a crash left of deletions is
    /// removed. Blocks on disk.
    ///
    /// # Errors
    /// As the disk's.
    pub fn survey(&self) -> std::io::Result<()> {
        let image = self.metadata.image();
        // A topic that is merely unknown stays: losing the metadata must not lose the data.
        self.partitions.sweep(&|topic, _| !image.is_deleted(topic))?;
        let found = self.partitions.topics_on_disk()?;
        for topic in found.iter().filter(|topic| image.topic_by_id(**topic).is_none()) {
            tracing::warn!(%topic, "the metadata knows nothing of a topic whose data is here; it is left alone");
        }
        self.state().on_disk = found;
        Ok(())
    }

    /// Opens and changes what the metadata asks for, and removes what it deleted; says whether all is as it
    /// should be. Data of deleted topics is removed in the background.
    pub async fn reconcile(self: &Arc<Self>, broker: &Arc<Broker>) -> bool {
        let image = self.metadata.image();
        self.start_removals(broker, &image);
        let missing: Vec<PartitionSpec> = image.topics().flat_map(|topic| self.adjust(topic)).collect();
        let opened = stream::iter(missing)
            .map(|spec| self.open(spec))
            .buffer_unordered(AT_ONCE);
        opened
            .fold(true, |all, opened| async move { all && opened })
            .await
    }

    /// Follows the metadata until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, broker: Arc<Broker>, stop: CancellationToken) {
        let mut images = self.metadata.watch();
        loop {
            images.mark_unchanged();
            let settled = self.reconcile(&broker).await;
            let retry = async {
                match settled {
                    true => std::future::pending().await,
                    false => broker.env.clock.sleep(RETRY).await,
                }
            };
            tokio::select! {
                changed = images.changed() => if changed.is_err() { return },
                () = retry => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Hands a topic's changed settings to its open partitions at once.
    pub(crate) fn adopt_settings(&self, topic: &Arc<TopicImage>) {
        // Partitions that are not open yet are opened by the loop.
        let _ = self.adjust(topic);
    }

    /// Waits until every partition of the topic that is led here is open; false when `timeout` passes first.
    /// Cancel by dropping.
    pub(crate) async fn wait_open(&self, broker: &Broker, topic_id: Uuid, timeout: Duration) -> bool {
        let mut changes = self.changes();
        let open = async {
            loop {
                changes.mark_unchanged();
                // Deleted again by somebody else: nothing to wait for.
                let image = self.metadata.image();
                let Some(topic) = image.topic_by_id(topic_id) else {
                    return;
                };
                if self.missing(topic).next().is_none() || changes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = open => true,
            () = broker.env.clock.sleep(timeout) => false,
        }
    }

    /// The partitions of `topic` that belong here and are not open.
    fn missing(&self, topic: &TopicImage) -> impl Iterator<Item = (i32, i32)> {
        let placed = (0..).zip(topic.partitions.iter());
        placed
            .filter(move |(index, partition)| {
                partition.replicas.contains(&self.node_id) && self.partitions.get(topic.id, *index).is_none()
            })
            .map(|(index, partition)| (index, partition.leader_epoch))
    }

    /// Hands changed settings to open partitions; answers those to open.
    fn adjust(&self, topic: &Arc<TopicImage>) -> Vec<PartitionSpec> {
        let changed = self.state().adopt(topic);
        let missing: Vec<(i32, i32)> = self.missing(topic).collect();
        if !changed && missing.is_empty() {
            return Vec::new();
        }
        let config = partition_config(&Settings::of(topic), &self.cache);
        if changed {
            for (index, _) in (0..).zip(topic.partitions.iter()) {
                if let Some(partition) = self.partitions.get(topic.id, index) {
                    partition.set_config(config.clone());
                }
            }
        }
        let spec = |(index, leader_epoch)| PartitionSpec {
            topic_id: topic.id,
            topic: topic.name.clone(),
            index,
            leader_epoch,
            config: config.clone(),
        };
        missing.into_iter().map(spec).collect()
    }

    async fn open(&self, spec: PartitionSpec) -> bool {
        let id = (spec.topic_id, spec.index);
        if !self.announce(id.0) {
            return true;
        }
        let before = self.state().settings(id.0);
        let opened = self.partitions.open(spec).await;
        let after = {
            let mut state = self.state();
            match &opened {
                Ok(_) => state.refused.remove(&id),
                Err(error) => state.refused.insert(id, error.to_string()),
            };
            state.settings(id.0)
        };
        if let (Ok(partition), Some(after)) = (&opened, after)
            && before.is_none_or(|before| !Arc::ptr_eq(&before, &after))
        {
            // They changed while it was being opened.
            partition.set_config(partition_config(&after, &self.cache));
        }
        self.note_change();
        if let Err(error) = &opened {
            tracing::error!(%error, "a partition cannot be opened; it is tried again");
        }
        opened.is_ok()
    }

    /// Notes that the topic is about to have data here, unless it was deleted meanwhile. In this order: a deletion
    /// is forgotten once no data is known, and what is written after that would stay for ever.
    fn announce(&self, topic: Uuid) -> bool {
        let new = self.state().on_disk.insert(topic);
        if self.metadata.image().topic_by_id(topic).is_some() {
            return true;
        }
        if new {
            self.state().on_disk.remove(&topic);
            self.note_change();
        }
        false
    }

    /// Starts to remove the data of every deleted topic that has some here.
    fn start_removals(self: &Arc<Self>, broker: &Arc<Broker>, image: &Image) {
        for deletion in image.deletions() {
            let fresh = {
                let mut state = self.state();
                state.applied.remove(&deletion.id);
                state.on_disk.contains(&deletion.id) && state.removing.insert(deletion.id)
            };
            if fresh {
                broker.metrics.forget(deletion.id);
                let (host, owner, id) = (Arc::clone(self), Arc::clone(broker), deletion.id);
                broker
                    .env
                    .tasks
                    .spawn(Box::pin(async move { host.remove(&owner, id).await }));
            }
        }
    }

    /// Readers and writers are told at once; the files go after. What cannot be removed stays listed, and is
    /// tried again at the next start.
    async fn remove(&self, broker: &Broker, id: Uuid) {
        let open = self
            .partitions
            .all()
            .into_iter()
            .filter(|partition| partition.topic_id() == id);
        let indexes: Vec<i32> = open.map(|partition| partition.index()).collect();
        join_all(indexes.into_iter().map(|index| self.partitions.remove(id, index))).await;
        let partitions = Arc::clone(&self.partitions);
        let swept = move || -> std::io::Result<()> {
            if partitions.topics_on_disk()?.contains(&id) {
                // Partitions that never opened have files too.
                partitions.sweep(&|topic, _| topic != id)?;
            }
            Ok(())
        };
        let swept = broker.env.blocking(swept).await;
        let gone = match swept {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(topic = %id, %error, "files of a deleted topic remain until the next start");
                false
            }
            Err(_) => false,
        };
        {
            let mut state = self.state();
            state.refused.retain(|(topic, _), _| *topic != id);
            if gone {
                state.on_disk.remove(&id);
                state.removing.remove(&id);
            }
        }
        self.note_change();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
