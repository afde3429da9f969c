//! A classic group to and from its stored form.

use std::collections::BTreeMap;

use super::{ClassicGroup, Limits, Member, State};
use crate::group::records::{ClassicMember, ClassicMetadata};

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
            let mut member = Member {
                id: m.id.clone(),
                instance_id: m.instance_id,
                client_id: m.client_id,
                client_host: m.client_host,
                session_timeout_ms: m.session_timeout_ms,
                rebalance_timeout_ms: m.rebalance_timeout_ms,
                protocols: vec![(protocol.clone(), m.subscription)],
                assignment: m.assignment,
                knows_skip: false,
                join: None,
                sync: None,
                session_deadline: 0,
                first_join_deadline: None,
            };
            member.touch(now);
            group.members.insert(m.id, member);
        }
        let with_instance = group
            .members
            .values()
            .filter_map(|m| Some((m.instance_id.clone()?, m.id.clone())));
        group.instances = with_instance.collect::<BTreeMap<_, _>>();
        group.state = if group.members.is_empty() {
            State::Empty
        } else {
            State::Stable
        };
        group.generation = stored.generation;
        group.protocol_type = Some(stored.protocol_type).filter(|t| !t.is_empty());
        group.protocol = stored.protocol;
        group.leader = stored.leader;
        group.state_ms = stored.state_ms;
        group
    }
}
