//! Topics that tests make and delete.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::group::topics::{TopicInfo, Topics};

/// The topics of a cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cluster {
    pub(crate) topics: BTreeMap<String, TopicInfo>,
    version: u64,
    made: u128,
}

impl Cluster {
    /// Makes a topic, or gives it another number of partitions.
    pub(crate) fn set(&mut self, name: &str, partitions: i32) -> Uuid {
        self.version += 1;
        if let Some(topic) = self.topics.get_mut(name) {
            topic.partitions = partitions;
            return topic.id;
        }
        self.made += 1;
        let id = Uuid::from_u128(self.made);
        self.topics.insert(name.to_owned(), TopicInfo { id, partitions });
        id
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.version += 1;
        self.topics.remove(name);
    }
}

impl Topics for Cluster {
    fn version(&self) -> u64 {
        self.version
    }

    fn topic(&self, name: &str) -> Option<TopicInfo> {
        self.topics.get(name).copied()
    }

    fn name_of(&self, id: Uuid) -> Option<String> {
        let found = self.topics.iter().find(|(_, topic)| topic.id == id);
        found.map(|(name, _)| name.clone())
    }

    fn each(&self, visit: &mut dyn FnMut(&str, TopicInfo)) {
        self.topics.iter().for_each(|(name, topic)| visit(name, *topic));
    }
}
