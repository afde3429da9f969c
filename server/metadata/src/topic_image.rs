//! A topic as the metadata knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidemill_resource::{Condition, ObjectMeta, Topic, TopicConfig, TopicSpec, TopicStatus};
use uuid::Uuid;

use crate::view_image::ResolvedTransform;

/// Where a partition is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionImage {
    /// Broker that leads it, or -1.
    pub leader: i32,
    /// Grows with every change of leader.
    pub leader_epoch: i32,
    /// Brokers that should hold it; the first is the preferred leader.
    pub replicas: Vec<i32>,
    /// Replicas that have every acknowledged record.
    pub isr: Vec<i32>,
}

impl PartitionImage {
    /// A new partition: led by its first replica, all in sync, since all are empty.
    pub fn new(replicas: Vec<i32>) -> Self {
        Self {
            leader: replicas.first().copied().unwrap_or(-1),
            leader_epoch: 0,
            isr: replicas.clone(),
            replicas,
        }
    }
}

/// A topic as the metadata knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicImage {
    /// Its identity.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Labels, annotations, generation, resource version.
    pub meta: ObjectMeta,
    /// What it should be.
    pub spec: TopicSpec,
    /// Whether it is one of the server's own.
    #[serde(default)]
    pub internal: bool,
    /// Where its partitions are, by index.
    pub partitions: Arc<Vec<PartitionImage>>,
    /// What is known of it.
    #[serde(default)]
    pub status: TopicStatus,
    /// What happens to records before they are stored, in order: `spec.ingest` in other words.
    #[serde(default)]
    pub ingest: Arc<Vec<ResolvedTransform>>,
    /// The Kafka configs that are set, by Kafka's names: `spec` in other words.
    #[serde(skip)]
    pub config: BTreeMap<String, String>,
    /// All configs, typed, with defaults filled in: `config` in other words.
    #[serde(skip)]
    pub resolved: Arc<TopicConfig>,
}

impl TopicImage {
    /// Makes `config` and `resolved` agree with `spec`.
    pub(crate) fn refresh(&mut self) {
        self.config = self.spec.configs();
        self.resolved = Arc::new(TopicConfig::from_checked(&self.config));
    }

    /// Whether its spec names the SmartModule.
    pub fn uses_module(&self, name: &str) -> bool {
        let ingest = self.spec.ingest.iter();
        ingest
            .flat_map(|ingest| &ingest.transforms)
            .any(|transform| transform.module == name)
    }

    /// Number of partitions.
    pub fn partition_count(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }

    /// The partition of this index.
    pub fn partition(&self, index: i32) -> Option<&PartitionImage> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// The topic as users see it.
    pub fn object(&self) -> Topic {
        Topic::new(self.meta.clone(), self.spec.clone()).with_status(self.told_status())
    }

    /// The status that was recorded last. One that is of other partitions than there are now, or of none yet, would
    /// call a topic ready, or say nothing, while partitions are still to be opened.
    fn told_status(&self) -> TopicStatus {
        let partitions = self.partition_count();
        if self.status.partitions == partitions && !self.status.conditions.is_empty() {
            return self.status.clone();
        }
        let open = self.status.ready_partitions.min(partitions);
        let message = format!("{open} of {partitions} partitions are open");
        TopicStatus {
            partitions,
            ready_partitions: open,
            conditions: vec![Condition::ready(
                false,
                "PartitionsOpening",
                message,
                self.meta.generation,
            )],
            ..self.status.clone()
        }
    }
}
