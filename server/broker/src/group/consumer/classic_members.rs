//! Members that speak the classic protocol in a group of the new one (KIP-848, "online migration").
//!
//! The server assigns to them as to all others, and they learn of it by what they know: a generation,
//! which is the member's epoch, rebalances, which they hear of in heartbeats, and assignments as answers
//! to SyncGroup. None of them is a leader. Nothing is ever parked: a JoinGroup moves its member on and
//! is answered at once. Sources: KIP-848; `GroupMetadataManager` of Apache Kafka 4.3.

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError as Code;

use super::embedded::{self, PROTOCOL_TYPE, Subscription};
use super::reconcile::{REVOKING, WAITING};
use super::{ConsumerGroup, Member, each};
use crate::group::classic::{JoinReply, JoinRequest, SyncReply, SyncRequest, protocol_bytes};
use crate::group::records::{ClassicMemberMetadata, MemberMetadata, Record};
use crate::group::topics::Topics;

/// Who says that it is a member: member id and instance id.
type Identity<'a> = (&'a str, Option<&'a str>);

impl ConsumerGroup {
    /// JoinGroup. When it answers an error, nothing has changed.
    pub(crate) fn classic_join(
        &mut self,
        now: u64,
        request: &JoinRequest,
        topics: &dyn Topics,
        out: &mut Vec<Record>,
    ) -> Result<JoinReply, Code> {
        self.check_classic_join(request)?;
        let (protocol, metadata) = request.protocols.first().ok_or(Code::InconsistentGroupProtocol)?;
        let said = embedded::subscription(metadata, topics).map_err(|_| Code::InconsistentGroupProtocol)?;
        if request.member_id.is_empty() && request.instance_id.is_none() && request.require_member_id {
            let id = request.new_member_id.clone();
            return Ok(JoinReply::error(Code::MemberIdRequired, id));
        }
        let (id, is_new) = self.admit_classic(request, out)?;
        let about = self.classic_about(&id, request, &said);
        let changed = self.set_about(&id, about, out) || is_new;
        self.settle(changed, topics, out);
        self.step_member(now, &id, Some(&said.owned), out);
        let mut generation = -1;
        if let Some(member) = self.members.get_mut(&id) {
            member.join_deadline = None;
            member.sync_deadline = Some(member.rebalance_deadline(now));
            generation = member.current.epoch;
        }
        Ok(JoinReply {
            generation,
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol: Some(protocol.clone()),
            member_id: id,
            ..JoinReply::default()
        })
    }

    /// That a member with these protocols may be among the classic ones here.
    pub(crate) fn check_classic_join(&self, request: &JoinRequest) -> Result<(), Code> {
        let JoinRequest {
            member_id,
            instance_id,
            protocols,
            ..
        } = request;
        let holder = instance_id.as_ref().and_then(|i| self.instances.get(i));
        let is_same = |m: &Member| m.id == *member_id || (member_id.is_empty() && holder == Some(&m.id));
        let others = || self.members.values().filter(|m| !is_same(m));
        let known = others().count() < self.members.len();
        if !known && self.members.len() >= self.limits.max_members {
            return Err(Code::GroupMaxSizeReached);
        }
        let supports = |classic: &ClassicMemberMetadata, wanted: &str| {
            classic.protocols.iter().any(|(name, _)| name == wanted)
        };
        let by_all = |wanted: &str| {
            let classic = others().filter_map(|m| m.about.classic.as_ref());
            classic.into_iter().all(|classic| supports(classic, wanted))
        };
        if !self.limits.takes_classic
            || request.protocol_type != PROTOCOL_TYPE
            || !protocols.iter().any(|(name, _)| by_all(name))
        {
            return Err(Code::InconsistentGroupProtocol);
        }
        let bytes: usize = others().map(|m| m.bytes).sum();
        if bytes + protocol_bytes(protocols) > self.limits.max_bytes {
            return Err(Code::GroupMaxSizeReached);
        }
        Ok(())
    }

    /// Lets a classic member in. Answers its id, and whether the group has a member more.
    fn admit_classic(
        &mut self,
        request: &JoinRequest,
        out: &mut Vec<Record>,
    ) -> Result<(String, bool), Code> {
        let instance = request.instance_id.as_deref();
        if !request.member_id.is_empty() {
            if instance.is_some() || self.members.contains_key(&request.member_id) {
                self.classic_member((&request.member_id, instance))?;
                return Ok((request.member_id.clone(), false));
            }
            // Its id was made for it by MEMBER_ID_REQUIRED, here or by the classic group that was.
            self.add_member(&request.member_id, None);
            return Ok((request.member_id.clone(), true));
        }
        let id = request.new_member_id.clone();
        let holder = instance
            .and_then(|instance| self.instances.get(instance))
            .cloned();
        if let (Some(instance), Some(holder)) = (instance, holder) {
            self.replace_static(instance, &holder, &id, out);
            return Ok((id, false));
        }
        self.add_member(&id, instance);
        Ok((id, true))
    }

    fn classic_about(&self, id: &str, request: &JoinRequest, said: &Subscription) -> MemberMetadata {
        let before = self.members.get(id).map(|m| &m.about);
        MemberMetadata {
            instance_id: request.instance_id.clone(),
            rack_id: said
                .rack_id
                .clone()
                .or_else(|| before.and_then(|about| about.rack_id.clone())),
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            topics: said.topics.clone(),
            regex: None,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            assignor: None,
            classic: Some(ClassicMemberMetadata {
                session_timeout_ms: request.session_timeout_ms,
                protocols: request.protocols.clone(),
            }),
        }
    }

    /// SyncGroup: what the member owns since its last JoinGroup.
    pub(crate) fn classic_sync(
        &mut self,
        now: u64,
        request: &SyncRequest,
        topics: &dyn Topics,
    ) -> Result<SyncReply, Code> {
        let who = (request.member_id.as_str(), request.instance_id.as_deref());
        let member = self.classic_member(who)?;
        if member.current.epoch != request.generation {
            return Err(Code::IllegalGeneration);
        }
        let (protocol, metadata) = first_protocol(member);
        let differs = |asked: &Option<String>, ours: &str| asked.as_ref().is_some_and(|asked| asked != ours);
        if differs(&request.protocol_type, PROTOCOL_TYPE) || differs(&request.protocol, &protocol) {
            return Err(Code::InconsistentGroupProtocol);
        }
        // One with partitions to let go has joined for the newest epoch already: it lets go first.
        if member.current.epoch < self.epoch && member.current.state != REVOKING {
            self.expect_join(now, &request.member_id);
            return Err(Code::RebalanceInProgress);
        }
        let assignment = embedded::encoded(&member.current.assigned, &metadata, topics);
        let limits = self.limits;
        if let Some(member) = self.members.get_mut(&request.member_id) {
            member.sync_deadline = None;
            member.touch(now, limits);
        }
        Ok(SyncReply {
            error: None,
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol: Some(protocol),
            assignment,
        })
    }

    /// Heartbeat: keeps the member alive, and tells it when to join again.
    pub(crate) fn classic_heartbeat(
        &mut self,
        now: u64,
        who: Identity<'_>,
        generation: i32,
    ) -> Result<(), Code> {
        let member = self.classic_member(who)?;
        if member.current.epoch != generation {
            return Err(Code::IllegalGeneration);
        }
        let joins_again = member.current.epoch < self.epoch
            || member.current.state == REVOKING
            || (member.current.state == WAITING && !self.waits_for_others(member));
        let limits = self.limits;
        if let Some(member) = self.members.get_mut(who.0) {
            member.touch(now, limits);
        }
        if !joins_again {
            return Ok(());
        }
        self.expect_join(now, who.0);
        Err(Code::RebalanceInProgress)
    }

    /// A member was told to join again: it has its rebalance timeout for it, from the first time.
    fn expect_join(&mut self, now: u64, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            let deadline = member.rebalance_deadline(now);
            member.join_deadline.get_or_insert(deadline);
        }
    }

    /// Whether some of what the member shall own is still another's.
    fn waits_for_others(&self, member: &Member) -> bool {
        self.target.get(&member.id).is_some_and(|target| {
            each(target).any(|slot| self.owners.get(&slot).is_some_and(|owner| *owner != member.id))
        })
    }

    /// The member, if it is of this group, speaks the classic protocol, and no other has taken its place.
    fn classic_member(&self, (member_id, instance_id): Identity<'_>) -> Result<&Member, Code> {
        if let Some(instance) = instance_id {
            let holder = self.instances.get(instance).ok_or(Code::UnknownMemberId)?;
            if holder != member_id {
                return Err(Code::FencedInstanceId);
            }
        }
        let member = self.members.get(member_id);
        member.filter(|m| m.is_classic()).ok_or(Code::UnknownMemberId)
    }
}

/// The protocol that a classic member prefers, which is the one it is told was chosen.
fn first_protocol(member: &Member) -> (String, Bytes) {
    let protocols = member.about.classic.iter().flat_map(|classic| &classic.protocols);
    protocols.into_iter().next().cloned().unwrap_or_default()
}
