//! Members that go: by their own wish, or because time ran out.

use tidemill_wire::kafka::error::ResponseError as Code;

use super::reconcile::STABLE;
use super::{ConsumerGroup, HeartbeatReply, HeartbeatRequest, Member, Refusal, STATIC_LEAVE_EPOCH};
use crate::group::records::{CurrentAssignment, Record, TopicPartitions};

impl ConsumerGroup {
    /// A member leaves: for good (-1), or, a static one, for a while (-2).
    pub(super) fn leave(
        &mut self,
        now: u64,
        request: &HeartbeatRequest,
        out: &mut Vec<Record>,
    ) -> Result<HeartbeatReply, Refusal> {
        let unknown = || {
            let message = format!(
                "Member {} is not a member of group {}.",
                request.member_id, self.id
            );
            Refusal::new(Code::UnknownMemberId, message)
        };
        if let Some(instance) = &request.instance_id {
            let holder = self.instances.get(instance).ok_or_else(unknown)?;
            self.check_instance(instance, holder, request)?;
        }
        let member = self.members.get(&request.member_id).ok_or_else(unknown)?;
        if request.epoch == STATIC_LEAVE_EPOCH && member.is_classic() {
            return Err(unknown());
        }
        if request.epoch == STATIC_LEAVE_EPOCH {
            // What it owns stays its own until it is back or its session ends.
            let current = CurrentAssignment {
                epoch: STATIC_LEAVE_EPOCH,
                previous_epoch: member.current.epoch,
                state: STABLE,
                assigned: member.current.assigned.clone(),
                revoking: TopicPartitions::new(),
            };
            self.set_current(&request.member_id, current, out);
            let limits = self.limits;
            if let Some(member) = self.members.get_mut(&request.member_id) {
                member.wait_for_nothing();
                member.touch(now, limits);
            }
        } else {
            self.remove_member(&request.member_id, out);
        }
        Ok(HeartbeatReply {
            member_id: request.member_id.clone(),
            epoch: request.epoch,
            heartbeat_interval_ms: self.limits.heartbeat_interval_ms,
            assignment: None,
        })
    }

    /// Removes a member at an operator's wish, by member id or by instance id.
    pub(crate) fn remove(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        out: &mut Vec<Record>,
    ) -> Result<(), Code> {
        let id = match instance_id {
            Some(instance) => {
                let holder = self.instances.get(instance).ok_or(Code::UnknownMemberId)?.clone();
                if !member_id.is_empty() && holder != member_id {
                    return Err(Code::FencedInstanceId);
                }
                holder
            }
            None => member_id.to_owned(),
        };
        if !self.members.contains_key(&id) {
            return Err(Code::UnknownMemberId);
        }
        self.remove_member(&id, out);
        Ok(())
    }

    /// Takes a member out. The rest have a new epoch, unless they are about to be a classic group: that
    /// one begins with the generation they know.
    pub(super) fn remove_member(&mut self, id: &str, out: &mut Vec<Record>) {
        self.release(id);
        let Some(member) = self.members.remove(id) else {
            return;
        };
        if let Some(instance) = &member.about.instance_id
            && self.instances.get(instance).is_some_and(|holder| holder == id)
        {
            self.instances.remove(instance);
        }
        self.target.remove(id);
        self.member_tombstones(id, out);
        // Its subscription no longer counts: resolve the rest anew at the next heartbeat.
        self.topics_version = None;
        if !self.becomes_classic() {
            self.bump_epoch(out);
        }
    }

    /// When [`ConsumerGroup::tick`] has something to do next; `None` without members.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.members.values().map(Member::deadline).min()
    }

    /// Removes members not heard of, and those that did not do in time what they were told to. Answers
    /// their ids.
    pub(crate) fn tick(&mut self, now: u64, out: &mut Vec<Record>) -> Vec<String> {
        let gone: Vec<String> = self
            .members
            .values()
            .filter(|m| m.deadline() <= now)
            .map(|m| m.id.clone())
            .collect();
        for id in &gone {
            self.remove_member(id, out);
        }
        gone
    }
}
