//! ConsumerGroupHeartbeat.

use std::collections::BTreeSet;

use tidemill_wire::kafka::error::ResponseError as Code;

use super::reconcile::{REVOKING, Step, reconcile};
use super::{
    ConsumerGroup, HeartbeatReply, HeartbeatRequest, LEAVE_EPOCH, Limits, Member, Refusal,
    STATIC_LEAVE_EPOCH, assignor,
};
use crate::group::records::{CurrentAssignment, Key, MemberMetadata, Record, TopicPartitions, Value};
use crate::group::topics::Topics;

impl ConsumerGroup {
    /// Takes a heartbeat. When it answers an error, nothing has changed.
    pub(crate) fn heartbeat(
        &mut self,
        now: u64,
        request: &HeartbeatRequest,
        topics: &dyn Topics,
        out: &mut Vec<Record>,
    ) -> Result<HeartbeatReply, Refusal> {
        request.validate()?;
        if matches!(request.epoch, LEAVE_EPOCH | STATIC_LEAVE_EPOCH) {
            return self.leave(now, request, out);
        }
        let pattern = request.regex.as_deref().filter(|r| !r.is_empty());
        let compiled = pattern.map(|p| self.check_pattern(p)).transpose()?.flatten();
        self.check_size(request)?;
        let mut changed = self.admit(request, out)?;
        if let (Some(pattern), Some(regex)) = (pattern, compiled) {
            self.patterns.keep(pattern, regex);
        }
        changed |= self.update_about(request, out);
        if changed || self.topics_version != Some(topics.version()) {
            changed |= self.resolve(topics);
        }
        if changed {
            self.bump_epoch(out);
        }
        if self.epoch > self.target_epoch {
            self.compute_target(topics, out);
        }
        Ok(self.step_member(now, request, out))
    }

    /// That the group stays within its bounds with what the member says.
    fn check_size(&self, request: &HeartbeatRequest) -> Result<(), Refusal> {
        if request.topics.is_none() && request.regex.is_none() {
            return Ok(());
        }
        let others = self.members.values().filter(|m| m.id != request.member_id);
        let bytes = others.map(|m| m.bytes).sum::<usize>() + request.bytes();
        if bytes <= self.limits.max_bytes {
            return Ok(());
        }
        let message = format!(
            "The subscriptions of group {} would take {bytes} bytes, and {} are the most allowed.",
            self.id, self.limits.max_bytes
        );
        Err(Refusal::new(Code::GroupMaxSizeReached, message))
    }

    /// Lets a member in, or checks that it is who it says. Answers whether the group changed.
    fn admit(&mut self, request: &HeartbeatRequest, out: &mut Vec<Record>) -> Result<bool, Refusal> {
        if let Some(instance) = &request.instance_id {
            return self.admit_static(instance, request, out);
        }
        if let Some(member) = self.members.get(&request.member_id) {
            // A static member sends its InstanceId when it joins, and may leave it out until it changes.
            if request.joins() {
                self.start_over(&request.member_id, out);
            } else {
                check_epoch(member, request)?;
            }
            return Ok(false);
        }
        self.admit_new(request)
    }

    fn admit_new(&mut self, request: &HeartbeatRequest) -> Result<bool, Refusal> {
        if !request.joins() {
            let message = format!(
                "Member {} is not a member of group {}.",
                request.member_id, self.id
            );
            return Err(Refusal::new(Code::UnknownMemberId, message));
        }
        if self.members.len() >= self.limits.max_members {
            let message = format!(
                "Group {} has {} members, the most allowed (group.max.size).",
                self.id, self.limits.max_members
            );
            return Err(Refusal::new(Code::GroupMaxSizeReached, message));
        }
        if let Some(instance) = &request.instance_id {
            self.instances.insert(instance.clone(), request.member_id.clone());
        }
        let member = Member {
            id: request.member_id.clone(),
            about: MemberMetadata {
                instance_id: request.instance_id.clone(),
                ..MemberMetadata::default()
            },
            current: CurrentAssignment::default(),
            bytes: 0,
            subscribed: BTreeSet::new(),
            session_deadline: 0,
            revoke_deadline: None,
        };
        self.members.insert(member.id.clone(), member);
        Ok(true)
    }

    fn admit_static(
        &mut self,
        instance: &str,
        request: &HeartbeatRequest,
        out: &mut Vec<Record>,
    ) -> Result<bool, Refusal> {
        let Some(holder) = self.instances.get(instance).cloned() else {
            if self.members.contains_key(&request.member_id) {
                let message = format!("Member {} is known under another InstanceId.", request.member_id);
                return Err(Refusal::new(Code::InvalidRequest, message));
            }
            return self.admit_new(request);
        };
        let Some(member) = self.members.get(&holder) else {
            return self.admit_new(request);
        };
        if !request.joins() {
            self.check_instance(instance, &holder, request)?;
            check_epoch(member, request)?;
            return Ok(false);
        }
        if holder == request.member_id {
            self.start_over(&holder, out);
            return Ok(false);
        }
        if member.current.epoch != STATIC_LEAVE_EPOCH {
            let message = format!(
                "Instance {instance} is in use by member {holder}. Stop that one first, or wait until its session ends."
            );
            return Err(Refusal::new(Code::UnreleasedInstanceId, message));
        }
        if self.members.contains_key(&request.member_id) {
            let message = format!(
                "Member {} is a member already, with another InstanceId.",
                request.member_id
            );
            return Err(Refusal::new(Code::InvalidRequest, message));
        }
        self.replace_static(instance, &holder, &request.member_id, out);
        Ok(false)
    }

    pub(super) fn check_instance(
        &self,
        instance: &str,
        holder: &str,
        request: &HeartbeatRequest,
    ) -> Result<(), Refusal> {
        if holder == request.member_id {
            return Ok(());
        }
        let message = format!(
            "Instance {instance} now belongs to member {holder} of group {}.",
            self.id
        );
        Err(Refusal::new(Code::FencedInstanceId, message))
    }

    /// A known member joins again: it owns nothing now.
    fn start_over(&mut self, member_id: &str, out: &mut Vec<Record>) {
        self.set_current(member_id, CurrentAssignment::default(), out);
        if let Some(member) = self.members.get_mut(member_id) {
            member.revoke_deadline = None;
        }
    }

    /// A static member that had left for a while is back under another member id.
    fn replace_static(&mut self, instance: &str, old_id: &str, new_id: &str, out: &mut Vec<Record>) {
        self.release(old_id);
        self.member_tombstones(old_id, out);
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        member.id = new_id.to_owned();
        member.current = CurrentAssignment::default();
        member.revoke_deadline = None;
        out.push(Record::put(
            self.member_key(new_id),
            Value::Member(member.about.clone()),
        ));
        self.members.insert(new_id.to_owned(), member);
        self.instances.insert(instance.to_owned(), new_id.to_owned());
        if let Some(target) = self.target.remove(old_id) {
            out.push(Record::put(
                self.target_key(new_id),
                Value::Target(target.clone()),
            ));
            self.target.insert(new_id.to_owned(), target);
        }
    }

    /// Takes over what the member says of itself. Answers whether its subscription changed.
    fn update_about(&mut self, request: &HeartbeatRequest, out: &mut Vec<Record>) -> bool {
        let Some(member) = self.members.get_mut(&request.member_id) else {
            return false;
        };
        let before = member.about.clone();
        let about = &mut member.about;
        about.client_id.clone_from(&request.client_id);
        about.client_host.clone_from(&request.client_host);
        if let Some(rack) = &request.rack_id {
            about.rack_id = Some(rack.clone());
        }
        if let Some(ms) = request.rebalance_timeout_ms {
            about.rebalance_timeout_ms = ms;
        }
        if let Some(topics) = &request.topics {
            about.topics.clone_from(topics);
        }
        if let Some(regex) = &request.regex {
            about.regex = Some(regex.clone()).filter(|r| !r.is_empty());
        }
        if let Some(assignor) = &request.assignor {
            about.assignor = Some(assignor.clone());
        }
        let subscription = |m: &MemberMetadata| (m.topics.clone(), m.regex.clone(), m.assignor.clone());
        let changed = subscription(about) != subscription(&before);
        member.bytes = about.bytes();
        if *about != before {
            let value = Value::Member(about.clone());
            out.push(Record::put(self.member_key(&request.member_id), value));
        }
        changed
    }

    /// Computes who shall own what in the end.
    fn compute_target(&mut self, topics: &dyn Topics, out: &mut Vec<Record>) {
        let target = assignor::assign(self.preferred_assignor(), &self.assignor_input(topics));
        for (id, partitions) in &target {
            if self.target.get(id) != Some(partitions) {
                out.push(Record::put(
                    self.target_key(id),
                    Value::Target(partitions.clone()),
                ));
            }
        }
        self.target = target;
        self.target_epoch = self.epoch;
        let key = Key::TargetEpoch {
            group: self.id.clone(),
        };
        out.push(Record::put(key, Value::TargetEpoch(self.target_epoch)));
    }

    /// Leads the member one step on, and answers it.
    fn step_member(&mut self, now: u64, request: &HeartbeatRequest, out: &mut Vec<Record>) -> HeartbeatReply {
        let id = &request.member_id;
        let nothing = TopicPartitions::new();
        let before = self
            .members
            .get(id)
            .map(|m| m.current.clone())
            .unwrap_or_default();
        let after = reconcile(&Step {
            current: &before,
            target: self.target.get(id).unwrap_or(&nothing),
            target_epoch: self.target_epoch,
            owned: request.owned.as_ref(),
            is_free: &|topic, index| self.owners.get(&(topic, index)).is_none_or(|owner| owner == id),
        });
        let assignment =
            (request.is_full() || after.assigned != before.assigned).then(|| after.assigned.clone());
        let reply = HeartbeatReply {
            member_id: id.clone(),
            epoch: after.epoch,
            heartbeat_interval_ms: self.limits.heartbeat_interval_ms,
            assignment,
        };
        let starts_revoking =
            after.state == REVOKING && (before.state != REVOKING || before.revoking != after.revoking);
        if after != before {
            self.set_current(id, after, out);
        }
        let Limits {
            session_timeout_ms, ..
        } = self.limits;
        if let Some(member) = self.members.get_mut(id) {
            member.session_deadline = now.saturating_add(session_timeout_ms);
            if member.current.state != REVOKING {
                member.revoke_deadline = None;
            } else if starts_revoking {
                let timeout = u64::try_from(member.about.rebalance_timeout_ms).unwrap_or(0);
                member.revoke_deadline = Some(now.saturating_add(timeout));
            }
        }
        reply
    }
}

/// That a heartbeat comes from the member as it is now, or as it was before an answer got lost.
fn check_epoch(member: &Member, request: &HeartbeatRequest) -> Result<(), Refusal> {
    let current = &member.current;
    if request.epoch == current.epoch {
        return Ok(());
    }
    let owns_no_more = || {
        request.owned.as_ref().is_some_and(|owned| {
            super::each(owned).all(|(t, p)| current.assigned.get(&t).is_some_and(|set| set.contains(&p)))
        })
    };
    if request.epoch == current.previous_epoch && request.epoch < current.epoch && owns_no_more() {
        return Ok(());
    }
    let message = format!(
        "Member {} came with epoch {}, the group has {}. It must give up its partitions and join again.",
        member.id, request.epoch, current.epoch
    );
    Err(Refusal::new(Code::FencedMemberEpoch, message))
}
