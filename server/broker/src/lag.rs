//! How far groups are behind.

use uuid::Uuid;

use crate::broker::{Broker, Place};
use crate::group::PartitionOffset;

/// Where a group is in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPosition {
    /// The topic's name.
    pub topic: String,
    /// Index within the topic.
    pub partition: i32,
    /// The next offset that the group will read.
    pub committed: i64,
    /// Offsets from there to the high watermark; `None` when the partition is not here.
    pub lag: Option<i64>,
}

impl Broker {
    /// The committed offsets of a group with its lag; empty when there is no such group, or it is still
    /// being read.
    #[must_use]
    pub fn group_positions(&self, group: &str) -> Vec<GroupPosition> {
        let offsets = self.groups.offsets(group).ok().flatten().unwrap_or_default();
        let position = |at: PartitionOffset| {
            let place = Place {
                name: &at.topic,
                id: Uuid::nil(),
                index: at.partition,
            };
            let committed = at.committed.offset;
            let open = self.readable(&place, -1).ok();
            let lag = open.map(|(open, _)| open.offsets().high_watermark.saturating_sub(committed).max(0));
            GroupPosition {
                committed,
                lag,
                topic: at.topic,
                partition: at.partition,
            }
        };
        offsets.into_iter().map(position).collect()
    }
}
