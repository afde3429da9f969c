//! A consumer group from its records.

use std::collections::BTreeMap;

use super::{ConsumerGroup, Limits, Member, each};
use crate::group::records::{ConsumerMetadata, CurrentAssignment, MemberMetadata, TopicPartitions};

/// What the log has of a consumer group.
#[derive(Debug, Default)]
pub(crate) struct StoredConsumerGroup {
    pub(crate) metadata: Option<ConsumerMetadata>,
    pub(crate) members: BTreeMap<String, MemberMetadata>,
    pub(crate) target_epoch: i32,
    pub(crate) targets: BTreeMap<String, TopicPartitions>,
    pub(crate) currents: BTreeMap<String, CurrentAssignment>,
}

impl ConsumerGroup {
    /// The group as it was stored. Sessions, and times to let go, start anew.
    pub(crate) fn restore(id: String, limits: Limits, mut stored: StoredConsumerGroup, now: u64) -> Self {
        let mut group = Self::new(id, limits);
        if let Some(metadata) = stored.metadata {
            group.epoch = metadata.epoch;
            group.metadata_hash = metadata.metadata_hash;
        }
        group.target_epoch = stored.target_epoch;
        for (id, about) in stored.members {
            let current = stored.currents.remove(&id).unwrap_or_default();
            for (topic, partition) in each(&current.assigned).chain(each(&current.revoking)) {
                group.owners.insert((topic, partition), id.clone());
            }
            if let Some(instance) = &about.instance_id {
                group.instances.insert(instance.clone(), id.clone());
            }
            if let Some(target) = stored.targets.remove(&id) {
                group.target.insert(id.clone(), target);
            }
            let mut member = Member::new(id.clone(), about, current);
            member.touch(now, limits);
            if !member.is_classic() && !member.current.revoking.is_empty() {
                member.revoke_deadline = Some(member.rebalance_deadline(now));
            }
            group.members.insert(id, member);
        }
        group
    }
}
