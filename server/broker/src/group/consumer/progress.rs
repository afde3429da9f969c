//! From a change to a new target, and of one member towards it.

use std::collections::BTreeSet;

use super::reconcile::{REVOKING, Step, reconcile};
use super::{ConsumerGroup, assignor};
use crate::group::records::{Key, Record, TopicPartitions, Value};
use crate::group::topics::Topics;

impl ConsumerGroup {
    /// Takes account of a change, and of topics that changed meanwhile: the group's epoch and target
    /// are new then.
    pub(super) fn settle(&mut self, mut changed: bool, topics: &dyn Topics, out: &mut Vec<Record>) {
        if changed || self.topics_version != Some(topics.version()) {
            changed |= self.resolve(topics);
        }
        if changed {
            self.bump_epoch(out);
        }
        if self.epoch > self.target_epoch {
            self.compute_target(topics, out);
        }
    }

    /// Computes who shall own what in the end.
    fn compute_target(&mut self, topics: &dyn Topics, out: &mut Vec<Record>) {
        let had_none: BTreeSet<String> = self
            .members
            .keys()
            .filter(|id| !self.target.contains_key(*id))
            .cloned()
            .collect();
        let input = self.take_assignor_input(topics);
        let target = assignor::assign(self.preferred_assignor(), &input);
        // Both are in the order of ids.
        for (member, (id, partitions)) in input.members.iter().zip(&target) {
            if member.previous != *partitions || had_none.contains(id) {
                out.push(Record::put(
                    self.target_key(id),
                    Value::Target(partitions.clone()),
                ));
            }
        }
        self.target = target;
        self.target_epoch = self.epoch;
        self.store_target_epoch(out);
    }

    pub(super) fn store_target_epoch(&self, out: &mut Vec<Record>) {
        let key = Key::TargetEpoch {
            group: self.id.clone(),
        };
        out.push(Record::put(key, Value::TargetEpoch(self.target_epoch)));
    }

    /// Leads the member one step on, and starts its session anew. Answers whether what it owns changed.
    pub(super) fn step_member(
        &mut self,
        now: u64,
        id: &str,
        owned: Option<&TopicPartitions>,
        out: &mut Vec<Record>,
    ) -> bool {
        let nothing = TopicPartitions::new();
        let Some(member) = self.members.get(id) else {
            return false;
        };
        let before = &member.current;
        let after = reconcile(&Step {
            current: before,
            target: self.target.get(id).unwrap_or(&nothing),
            target_epoch: self.target_epoch,
            owned,
            is_free: &|topic, index| self.owners.get(&(topic, index)).is_none_or(|owner| owner == id),
        });
        let mut owns_other = false;
        let mut starts_revoking = false;
        if let Some(after) = after.filter(|after| after != before) {
            owns_other = after.assigned != before.assigned;
            starts_revoking =
                after.state == REVOKING && (before.state != REVOKING || before.revoking != after.revoking);
            self.set_current(id, after, out);
        }
        let limits = self.limits;
        if let Some(member) = self.members.get_mut(id) {
            member.touch(now, limits);
            // Classic members are held to join again and to ask for their assignment instead.
            if member.current.state != REVOKING || member.is_classic() {
                member.revoke_deadline = None;
            } else if starts_revoking {
                member.revoke_deadline = Some(member.rebalance_deadline(now));
            }
        }
        owns_other
    }
}
