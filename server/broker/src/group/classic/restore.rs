//! A classic group to and from its stored form.

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;

use super::{ClassicGroup, Effect, Effects, JoinReply, Limits, Member, Preparing, State, SyncReply};
use crate::group::records::{ClassicMember, ClassicMetadata};

/// A member with all that it offers, of which a group's record has only the chosen protocol.
pub(crate) type Newcomer = (ClassicMember, Vec<(String, Bytes)>);

impl ClassicGroup {
    /// What is stored. Only a group that is stable or empty is worth storing.
    pub(crate) fn metadata(&self) -> ClassicMetadata {
        let member = |m: &Member| ClassicMember {
            id: m.id.clone(),
            instance_id: m.instance_id.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            rebalance_timeout_ms: m.rebalance_timeout_ms,
            session_timeout_ms: m.session_timeout_ms,
            subscription: self.subscription_of(m),
            assignment: m.assignment.clone(),
        };
        ClassicMetadata {
            protocol_type: self.protocol_type().to_owned(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_ms: self.state_ms,
            members: if self.is_empty() {
                Vec::new()
            } else {
                self.members.values().map(member).collect()
            },
        }
    }

    /// The group as it was stored. Sessions start anew: members had no coordinator to talk to.
    pub(crate) fn restore(limits: Limits, stored: ClassicMetadata, now: u64) -> Self {
        let protocol = stored.protocol.clone().unwrap_or_default();
        let mut group = Self::new(limits);
        for m in stored.members {
            let protocols = vec![(protocol.clone(), m.subscription.clone())];
            group.seat(now, (m, protocols));
        }
        group.generation = stored.generation;
        group.protocol_type = Some(stored.protocol_type).filter(|t| !t.is_empty());
        group.protocol = stored.protocol;
        group.leader = stored.leader;
        group.state_ms = stored.state_ms;
        group.state = match (group.members.is_empty(), &group.leader) {
            (true, _) => State::Empty,
            (false, Some(_)) => State::Stable,
            // It had just come from being a consumer group, and the members have yet to join again.
            (false, None) => group.rejoining(now),
        };
        group
    }

    /// A group of members that a consumer group leaves behind. It is to be stored as it is, without a
    /// leader: by that it is known that what was given may not be all there is, and all must join again.
    pub(crate) fn take_over(limits: Limits, generation: i32, members: Vec<Newcomer>, now: u64) -> Self {
        let mut group = Self::new(limits);
        for newcomer in members {
            group.seat(now, newcomer);
        }
        group.generation = generation;
        group.protocol_type = Some("consumer".to_owned());
        group.protocol = group.select_protocol();
        group.state = group.rejoining(now);
        group
    }

    fn rejoining(&self, now: u64) -> State {
        State::Preparing(Preparing {
            deadline: now.saturating_add(self.rebalance_timeout()),
            initial: None,
        })
    }

    /// Gives a known member its place.
    fn seat(&mut self, now: u64, (m, protocols): Newcomer) {
        let mut member = Member {
            id: m.id.clone(),
            instance_id: m.instance_id,
            client_id: m.client_id,
            client_host: m.client_host,
            session_timeout_ms: m.session_timeout_ms,
            rebalance_timeout_ms: m.rebalance_timeout_ms,
            protocols,
            assignment: m.assignment,
            knows_skip: false,
            join: None,
            sync: None,
            session_deadline: 0,
            first_join_deadline: None,
        };
        member.touch(now);
        if let Some(instance) = &member.instance_id {
            self.instances.insert(instance.clone(), m.id.clone());
        }
        self.members.insert(m.id, member);
    }

    /// What a member says as a consumer: its metadata for the chosen protocol, and while none is
    /// chosen, for the one it prefers.
    pub(crate) fn embedded_of(&self, member: &Member) -> Bytes {
        let chosen = self.protocol.as_deref().and_then(|p| member.metadata(p));
        let preferred = || member.protocols.first().map(|(_, metadata)| metadata.clone());
        chosen.or_else(preferred).unwrap_or_default()
    }

    /// Answers all parked requests: their members must join again. For a group that ends.
    pub(crate) fn send_away(&mut self, effects: &mut Effects) {
        for member in self.members.values_mut() {
            if let Some(token) = member.join.take() {
                let reply = JoinReply::error(ResponseError::RebalanceInProgress, member.id.clone());
                effects.push(Effect::Joined(token, Box::new(reply)));
            }
            if let Some(token) = member.sync.take() {
                let reply = SyncReply::error(ResponseError::RebalanceInProgress);
                effects.push(Effect::Synced(token, reply));
            }
        }
    }
}
