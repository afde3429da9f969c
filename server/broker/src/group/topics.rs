//! What the coordinator needs to know of topics: a snapshot, and where to get the newest.

use std::sync::Arc;

use uuid::Uuid;

/// A topic as groups see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicInfo {
    /// Topic id; a topic deleted and made again has another.
    pub id: Uuid,
    /// Number of partitions.
    pub partitions: i32,
}

/// One consistent view of all topics.
pub trait Topics: Send + Sync {
    /// Grows with every change. Equal versions are equal views.
    fn version(&self) -> u64;

    /// Looks a topic up by name.
    fn topic(&self, name: &str) -> Option<TopicInfo>;

    /// The name of a topic id.
    fn name_of(&self, id: Uuid) -> Option<String>;

    /// Visits every topic that is not internal, in name order.
    fn each(&self, visit: &mut dyn FnMut(&str, TopicInfo));
}

/// Where the newest [`Topics`] come from.
pub trait TopicSource: Send + Sync {
    /// The newest view.
    fn current(&self) -> Arc<dyn Topics>;
}
