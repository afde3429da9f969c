//! Who is let into the group by a ConsumerGroupHeartbeat, and as whom.

use tidemill_wire::kafka::error::ResponseError as Code;

use super::{ConsumerGroup, HeartbeatRequest, Member, Refusal, STATIC_LEAVE_EPOCH};
use crate::group::records::{CurrentAssignment, MemberMetadata, Record, Value};

impl ConsumerGroup {
    /// Lets a member in, or checks that it is who it says. Answers whether the group changed.
    pub(super) fn admit(
        &mut self,
        request: &HeartbeatRequest,
        out: &mut Vec<Record>,
    ) -> Result<bool, Refusal> {
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

    /// Makes room for a new member, of which all else is still to be said.
    pub(super) fn add_member(&mut self, id: &str, instance_id: Option<&str>) {
        if let Some(instance) = instance_id {
            self.instances.insert(instance.to_owned(), id.to_owned());
        }
        let about = MemberMetadata {
            instance_id: instance_id.map(str::to_owned),
            ..MemberMetadata::default()
        };
        let member = Member::new(id.to_owned(), about, CurrentAssignment::default());
        self.members.insert(id.to_owned(), member);
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
        self.add_member(&request.member_id, request.instance_id.as_deref());
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
        // One that goes over from the classic protocol may be taken for gone: it says no good-bye.
        if !member.is_classic() && member.current.epoch != STATIC_LEAVE_EPOCH {
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
            member.wait_for_nothing();
        }
    }

    /// A static member that had left for a while is back under another member id.
    pub(super) fn replace_static(
        &mut self,
        instance: &str,
        old_id: &str,
        new_id: &str,
        out: &mut Vec<Record>,
    ) {
        self.release(old_id);
        self.member_tombstones(old_id, out);
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        member.id = new_id.to_owned();
        member.current = CurrentAssignment::default();
        member.wait_for_nothing();
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
}

/// That a heartbeat comes from the member as it is now, or as it was before an answer got lost.
fn check_epoch(member: &Member, request: &HeartbeatRequest) -> Result<(), Refusal> {
    let current = &member.current;
    if member.is_classic() {
        let message = format!(
            "Member {} speaks the classic protocol. It must give up its partitions and join again.",
            member.id
        );
        return Err(Refusal::new(Code::FencedMemberEpoch, message));
    }
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
