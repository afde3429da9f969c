//! From a classic group with members to one of KIP-848, and back.

use tidemill_wire::kafka::error::ResponseError as Code;

use super::embedded::{self, PROTOCOL_TYPE};
use super::reconcile::REVOKING;
use super::{ConsumerGroup, Limits, Member, Refusal, each};
use crate::group::classic::{self, ClassicGroup, JoinRequest};
use crate::group::records::{
    ClassicMember, ClassicMemberMetadata, CurrentAssignment, MemberMetadata, Record, TopicPartitions, Value,
};
use crate::group::topics::Topics;

impl ConsumerGroup {
    /// The group that a classic one becomes: its members keep what they have been given, as members of
    /// the classic protocol at the epoch that was their generation.
    ///
    /// # Errors
    /// `GROUP_ID_NOT_FOUND`, as Kafka answers, when it is not a group of consumers, or what its members
    /// say of themselves cannot be read.
    pub(crate) fn from_classic(
        (id, limits): (String, Limits),
        classic: &ClassicGroup,
        topics: &dyn Topics,
        now: u64,
    ) -> Result<Self, Refusal> {
        let refuse = |why: &str| {
            let message = format!(
                "Group {id} has members of the classic protocol, and cannot take one that is not: {why}. Stop them first, or set group.protocol=classic."
            );
            Refusal::new(Code::GroupIdNotFound, message)
        };
        if classic.protocol_type() != PROTOCOL_TYPE {
            return Err(refuse("they are not consumers"));
        }
        if classic.member_count() > limits.max_members {
            return Err(refuse("they are more than group.max.size"));
        }
        let mut group = Self::new(id.clone(), limits);
        group.epoch = classic.generation();
        group.target_epoch = classic.generation();
        let mut unreleased = Vec::new();
        for m in classic.members() {
            let metadata = classic.embedded_of(m);
            let said = embedded::subscription(&metadata, topics).map_err(|e| refuse(&e.to_string()))?;
            let given = embedded::assignment(&m.assignment, topics).map_err(|e| refuse(&e.to_string()))?;
            let about = MemberMetadata {
                instance_id: m.instance_id.clone(),
                rack_id: said.rack_id,
                client_id: m.client_id.clone(),
                client_host: m.client_host.clone(),
                topics: said.topics,
                regex: None,
                rebalance_timeout_ms: m.rebalance_timeout_ms,
                assignor: None,
                classic: Some(ClassicMemberMetadata {
                    session_timeout_ms: m.session_timeout_ms,
                    protocols: m.protocols.clone(),
                }),
            };
            group.take_over(now, (m.id.clone(), about), &given);
            unreleased.push((m.id.clone(), said.owned));
        }
        for (id, owned) in unreleased {
            group.await_release(&id, &owned);
        }
        Ok(group)
    }

    fn take_over(&mut self, now: u64, (id, about): (String, MemberMetadata), given: &TopicPartitions) {
        // A leader may have given a partition twice: the next epoch sets that right.
        let assigned = self.claim(&id, given);
        if let Some(instance) = &about.instance_id {
            self.instances.insert(instance.clone(), id.clone());
        }
        self.target.insert(id.clone(), assigned.clone());
        let current = CurrentAssignment {
            epoch: self.epoch,
            previous_epoch: self.epoch,
            assigned,
            ..CurrentAssignment::default()
        };
        let mut member = Member::new(id.clone(), about, current);
        member.touch(now, self.limits);
        self.members.insert(id, member);
    }

    /// A cooperative member may still read what it had when it joined last, though its leader took it
    /// away: it has let go when it joins without it.
    fn await_release(&mut self, id: &str, owned: &TopicPartitions) {
        let revoking = self.claim(id, owned);
        if let Some(member) = self.members.get_mut(id).filter(|_| !revoking.is_empty()) {
            member.current.state = REVOKING;
            member.current.revoking = revoking;
        }
    }

    /// Makes the member the owner of what has none. Answers what that was.
    fn claim(&mut self, id: &str, partitions: &TopicPartitions) -> TopicPartitions {
        let mut claimed = TopicPartitions::new();
        for (topic, partition) in each(partitions) {
            self.owners.entry((topic, partition)).or_insert_with(|| {
                claimed.entry(topic).or_default().insert(partition);
                id.to_owned()
            });
        }
        claimed
    }

    /// Records of all that the group is.
    pub(crate) fn store(&self, out: &mut Vec<Record>) {
        for member in self.members.values() {
            let about = Value::Member(member.about.clone());
            out.push(Record::put(self.member_key(&member.id), about));
        }
        self.store_epoch(out);
        for (id, target) in &self.target {
            out.push(Record::put(self.target_key(id), Value::Target(target.clone())));
        }
        self.store_target_epoch(out);
        for member in self.members.values() {
            self.store_current(member, out);
        }
    }

    /// Whether only members of the classic protocol are left, and the group goes over to theirs.
    pub(crate) fn becomes_classic(&self) -> bool {
        let all_classic = || self.members.values().all(Member::is_classic);
        self.limits.downgrade.is_some() && !self.members.is_empty() && all_classic()
    }

    /// The classic group that this one becomes; `None` when it stays what it is. Its members have what
    /// they own, and must join again.
    pub(crate) fn to_classic(&self, topics: &dyn Topics, now: u64) -> Option<ClassicGroup> {
        let limits = self.limits.downgrade.filter(|_| self.becomes_classic())?;
        let members = self.members.values().filter_map(|m| self.classic_form(m, topics));
        let group = ClassicGroup::take_over(limits, self.epoch, members.collect(), now);
        Some(group)
    }

    fn classic_form(&self, member: &Member, topics: &dyn Topics) -> Option<classic::Newcomer> {
        let about = &member.about;
        let ClassicMemberMetadata {
            session_timeout_ms,
            protocols,
        } = about.classic.clone()?;
        let metadata = protocols.first().map(|(_, metadata)| metadata.clone());
        let metadata = metadata.unwrap_or_default();
        // Kafka writes down the target. What the member may still read is more to the point should the
        // group be a consumer group again before it has joined.
        let mut owned = member.current.assigned.clone();
        for (topic, partition) in each(&member.current.revoking) {
            owned.entry(topic).or_default().insert(partition);
        }
        let stored = ClassicMember {
            id: member.id.clone(),
            instance_id: about.instance_id.clone(),
            client_id: about.client_id.clone(),
            client_host: about.client_host.clone(),
            rebalance_timeout_ms: about.rebalance_timeout_ms,
            session_timeout_ms,
            assignment: embedded::encoded(&owned, &metadata, topics),
            subscription: metadata,
        };
        Some((stored, protocols))
    }

    /// Removes the static member whose place this JoinGroup takes, if it is the last that does not
    /// speak the classic protocol. Answers whether it was.
    ///
    /// # Errors
    /// Those of the join, which then has not happened.
    pub(crate) fn make_way(&mut self, request: &JoinRequest, out: &mut Vec<Record>) -> Result<bool, Code> {
        if self.limits.downgrade.is_none() || !request.member_id.is_empty() {
            return Ok(false);
        }
        let holder = request.instance_id.as_ref().and_then(|i| self.instances.get(i));
        let Some(holder) = holder.cloned() else {
            return Ok(false);
        };
        if !self.members.values().all(|m| m.is_classic() != (m.id == holder)) {
            return Ok(false);
        }
        self.check_classic_join(request)?;
        self.remove_member(&holder, out);
        Ok(true)
    }
}
