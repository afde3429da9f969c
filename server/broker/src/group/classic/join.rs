//! JoinGroup.

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;

use super::{ClassicGroup, Effect, Effects, Member, State, Token};
use crate::group::bounds::{MAX_ID_BYTES, MAX_PROTOCOLS};

/// A JoinGroup request.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    pub(crate) token: Token,
    /// Empty for a member that has none yet.
    pub(crate) member_id: String,
    /// The id that it gets if it has none; from the injected randomness.
    pub(crate) new_member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// JoinGroup 4 and later: a new dynamic member gets its id first (KIP-394).
    pub(crate) require_member_id: bool,
    /// JoinGroup 9 and later: the leader may be told to skip the assignment (KIP-814).
    pub(crate) knows_skip: bool,
}

/// The answer to a JoinGroup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct JoinReply {
    pub(crate) error: Option<ResponseError>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: String,
    pub(crate) member_id: String,
    pub(crate) skip_assignment: bool,
    /// All members, for the leader alone.
    pub(crate) members: Vec<JoinMember>,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinMember {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) metadata: Bytes,
}

impl JoinRequest {
    /// What can be said of a request without knowing the group: that it is not beyond all measure.
    pub(crate) fn check_bounds(&self, max_bytes: usize) -> Result<(), ResponseError> {
        let names = self.protocols.iter().map(|(name, _)| name.as_str());
        let ids = [self.member_id.as_str(), self.protocol_type.as_str()];
        let ids = ids.into_iter().chain(self.instance_id.as_deref()).chain(names);
        let too_long = ids.into_iter().any(|id| id.len() > MAX_ID_BYTES);
        if too_long || self.protocols.len() > MAX_PROTOCOLS || protocol_bytes(&self.protocols) > max_bytes {
            return Err(ResponseError::InvalidRequest);
        }
        Ok(())
    }
}

/// What a member's protocols take.
pub(crate) fn protocol_bytes(protocols: &[(String, Bytes)]) -> usize {
    protocols
        .iter()
        .map(|(name, metadata)| name.len() + metadata.len())
        .sum()
}

impl JoinReply {
    pub(crate) fn error(error: ResponseError, member_id: String) -> Self {
        Self {
            error: Some(error),
            generation: -1,
            member_id,
            ..Self::default()
        }
    }
}

impl ClassicGroup {
    /// A member joins, or joins again. The answer comes as [`Effect::Joined`], at once or later.
    pub(crate) fn join(&mut self, now: u64, request: JoinRequest, effects: &mut Effects) {
        let (token, member_id) = (request.token, request.member_id.clone());
        if let Err(error) = self.try_join(now, request, effects) {
            effects.push(Effect::Joined(
                token,
                Box::new(JoinReply::error(error, member_id)),
            ));
        }
    }

    fn try_join(
        &mut self,
        now: u64,
        request: JoinRequest,
        effects: &mut Effects,
    ) -> Result<(), ResponseError> {
        if !self.accepts_protocols(&request) {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        let known = self.members.contains_key(&request.member_id);
        let replaces = request
            .instance_id
            .as_ref()
            .is_some_and(|i| self.instances.contains_key(i));
        let reserved = self.pending.contains_key(&request.member_id);
        if !known
            && !replaces
            && !reserved
            && self.members.len() + self.pending.len() >= self.limits.max_members
        {
            return Err(ResponseError::GroupMaxSizeReached);
        }
        let others = self.members.values().filter(|m| !self.is_same(m, &request));
        let bytes: usize = others.map(Member::bytes).sum();
        if bytes + protocol_bytes(&request.protocols) > self.limits.max_bytes {
            return Err(ResponseError::GroupMaxSizeReached);
        }
        if request.member_id.is_empty() {
            self.join_new(now, request, effects);
            return Ok(());
        }
        if request.instance_id.is_none() && self.pending.remove(&request.member_id).is_some() {
            let id = request.member_id.clone();
            self.add_and_rebalance(now, id, request, effects);
            return Ok(());
        }
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        self.join_known(now, request, effects);
        Ok(())
    }

    /// A first join must name a protocol; a later one must share a protocol with all others.
    fn accepts_protocols(&self, request: &JoinRequest) -> bool {
        if request.protocol_type.is_empty() || request.protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        let others = || self.members.values().filter(|m| !self.is_same(m, request));
        self.protocol_type.as_deref() == Some(request.protocol_type.as_str())
            && request
                .protocols
                .iter()
                .any(|(name, _)| others().all(|m| m.supports(name)))
    }

    /// Whether the request is of this member, or of the static member that takes its place.
    fn is_same(&self, member: &Member, request: &JoinRequest) -> bool {
        member.id == request.member_id
            || (request.member_id.is_empty()
                && request.instance_id.is_some()
                && member.instance_id == request.instance_id)
    }

    fn join_new(&mut self, now: u64, request: JoinRequest, effects: &mut Effects) {
        let id = request.new_member_id.clone();
        if let Some(instance) = request.instance_id.clone() {
            if self.instances.contains_key(&instance) {
                self.replace_static(now, &instance, request, effects);
            } else {
                self.add_and_rebalance(now, id, request, effects);
            }
        } else if request.require_member_id {
            let session = u64::try_from(request.session_timeout_ms).unwrap_or(0);
            self.pending.insert(id.clone(), now.saturating_add(session));
            let reply = JoinReply::error(ResponseError::MemberIdRequired, id);
            effects.push(Effect::Joined(request.token, Box::new(reply)));
        } else {
            self.add_and_rebalance(now, id, request, effects);
        }
    }

    fn join_known(&mut self, now: u64, request: JoinRequest, effects: &mut Effects) {
        let unchanged = self
            .members
            .get(&request.member_id)
            .is_some_and(|m| m.protocols == request.protocols);
        let is_leader = self.leader.as_deref() == Some(&request.member_id);
        let current = match self.state {
            // The answer to an earlier join was lost: give it again.
            State::Completing => unchanged,
            // A leader that joins again wants a new assignment; others do by a new subscription.
            State::Stable => unchanged && !is_leader,
            State::Empty | State::Preparing(_) => false,
        };
        if current {
            self.touch(now, &request.member_id);
            let reply = self.current_reply(&request.member_id);
            effects.push(Effect::Joined(request.token, Box::new(reply)));
            return;
        }
        self.update_member(request, effects);
        self.prepare_rebalance(now, effects);
    }

    pub(super) fn current_reply(&self, member_id: &str) -> JoinReply {
        let leader = self.leader.clone().unwrap_or_default();
        JoinReply {
            error: None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            skip_assignment: false,
            members: if leader == member_id {
                self.join_members()
            } else {
                Vec::new()
            },
            leader,
            member_id: member_id.to_owned(),
        }
    }

    pub(super) fn join_members(&self) -> Vec<JoinMember> {
        let of = |m: &Member| JoinMember {
            id: m.id.clone(),
            instance_id: m.instance_id.clone(),
            metadata: self.subscription_of(m),
        };
        self.members.values().map(of).collect()
    }

    fn add_and_rebalance(&mut self, now: u64, id: String, request: JoinRequest, effects: &mut Effects) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type);
        }
        if let Some(instance) = &request.instance_id {
            self.instances.insert(instance.clone(), id.clone());
        }
        let mut member = Member {
            id: id.clone(),
            instance_id: request.instance_id,
            client_id: request.client_id,
            client_host: request.client_host,
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            protocols: request.protocols,
            assignment: Bytes::new(),
            knows_skip: request.knows_skip,
            join: Some(request.token),
            sync: None,
            session_deadline: 0,
            first_join_deadline: None,
        };
        member.touch(now);
        member.start_first_join(now);
        self.leader.get_or_insert_with(|| id.clone());
        self.members.insert(id, member);
        if let State::Preparing(preparing) = &mut self.state
            && let Some(initial) = &mut preparing.initial
        {
            initial.grew = true;
        }
        self.prepare_rebalance(now, effects);
    }

    /// Takes over what a member says of itself in a new join, and parks the join.
    pub(super) fn update_member(&mut self, request: JoinRequest, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(&request.member_id) else {
            return;
        };
        member.protocols = request.protocols;
        member.session_timeout_ms = request.session_timeout_ms;
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        member.client_id = request.client_id;
        member.client_host = request.client_host;
        member.knows_skip = request.knows_skip;
        if let Some(old) = member.join.replace(request.token) {
            // The connection of the earlier join is gone, or its client does not wait any more.
            let reply = JoinReply::error(ResponseError::RebalanceInProgress, member.id.clone());
            effects.push(Effect::Joined(old, Box::new(reply)));
        }
    }
}
