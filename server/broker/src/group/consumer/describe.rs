//! What describe calls show of a consumer group.

use std::collections::BTreeSet;

use super::ConsumerGroup;
use super::reconcile::STABLE;
use crate::group::records::{MemberMetadata, TopicPartitions};
use crate::group::topics::Topics;

/// A member as describe calls show it.
#[derive(Debug, Clone)]
pub(crate) struct MemberView {
    pub(crate) id: String,
    pub(crate) about: MemberMetadata,
    pub(crate) epoch: i32,
    pub(crate) assigned: TopicPartitions,
    pub(crate) target: TopicPartitions,
}

impl ConsumerGroup {
    /// Kafka's name of the state.
    pub(crate) fn state_name(&self) -> &'static str {
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if self
            .members
            .values()
            .any(|m| m.current.state != STABLE || m.current.epoch != self.target_epoch)
        {
            "Reconciling"
        } else {
            "Stable"
        }
    }

    pub(crate) fn epoch(&self) -> i32 {
        self.epoch
    }

    pub(crate) fn target_epoch(&self) -> i32 {
        self.target_epoch
    }

    /// The assignor in use.
    pub(crate) fn assignor_name(&self) -> &'static str {
        self.preferred_assignor()
    }

    /// Every member, in the order of ids.
    pub(crate) fn member_views(&self) -> Vec<MemberView> {
        let view = |m: &super::Member| MemberView {
            id: m.id.clone(),
            about: m.about.clone(),
            epoch: m.current.epoch,
            assigned: m.current.assigned.clone(),
            target: self.target.get(&m.id).cloned().unwrap_or_default(),
        };
        self.members.values().map(view).collect()
    }

    /// The topics that members subscribe to.
    pub(crate) fn subscriptions(&self, topics: &dyn Topics) -> BTreeSet<String> {
        let names = self.members.values().flat_map(|m| m.about.topics.iter().cloned());
        let ids = self.members.values().flat_map(|m| m.subscribed.iter());
        names.chain(ids.filter_map(|id| topics.name_of(*id))).collect()
    }

    /// Whether a member subscribes to the topic.
    pub(crate) fn subscribes_to(&self, topic: &str, id: Option<uuid::Uuid>) -> bool {
        self.members
            .values()
            .any(|m| m.about.topics.contains(topic) || id.is_some_and(|id| m.subscribed.contains(&id)))
    }
}
