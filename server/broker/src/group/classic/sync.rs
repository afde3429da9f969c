//! SyncGroup.

use std::collections::BTreeSet;

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;

use super::{ClassicGroup, Effect, Effects, State, Token};

/// A SyncGroup request.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest {
    pub(crate) token: Token,
    pub(crate) generation: i32,
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    /// Filled by the leader: member id and its assignment.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// The answer to a SyncGroup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SyncReply {
    pub(crate) error: Option<ResponseError>,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignment: Bytes,
}

impl SyncReply {
    pub(crate) fn error(error: ResponseError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

/// Members of the generation that have not yet sent SyncGroup: Kafka's pending syncs. Whoever is still
/// among them at the deadline is removed, also once the leader has assigned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unsynced {
    members: BTreeSet<String>,
    deadline: u64,
}

impl Unsynced {
    pub(super) fn new<'a>(members: impl Iterator<Item = &'a String>, deadline: u64) -> Self {
        Self {
            members: members.cloned().collect(),
            deadline,
        }
    }

    /// When those who are left are removed; `None` when all have come.
    pub(super) fn deadline(&self) -> Option<u64> {
        (!self.members.is_empty()).then_some(self.deadline)
    }

    pub(super) fn into_members(self) -> BTreeSet<String> {
        self.members
    }

    /// The member has come, or is gone.
    pub(super) fn remove(&mut self, member_id: &str) {
        self.members.remove(member_id);
    }

    /// The member has another id: what is awaited of it, it owes under that one.
    pub(super) fn rename(&mut self, old_id: &str, new_id: &str) {
        if self.members.remove(old_id) {
            self.members.insert(new_id.to_owned());
        }
    }
}

impl ClassicGroup {
    /// A member asks for its assignment; the leader's request brings everyone's. The answer comes as
    /// [`Effect::Synced`], at once or later.
    pub(crate) fn sync(&mut self, now: u64, request: SyncRequest, effects: &mut Effects) {
        if let Err(error) = self.check_sync(&request) {
            effects.push(Effect::Synced(request.token, SyncReply::error(error)));
            return;
        }
        self.touch(now, &request.member_id);
        self.unsynced.remove(&request.member_id);
        match &self.state {
            State::Stable => {
                let reply = self.sync_reply(&request.member_id);
                effects.push(Effect::Synced(request.token, reply));
            }
            State::Completing => {
                self.park_sync(&request, effects);
                if self.leader.as_deref() == Some(&request.member_id) {
                    self.assign(now, request.assignments, effects);
                }
            }
            // `check_sync` lets no other state pass.
            State::Empty | State::Preparing(_) => {}
        }
    }

    fn check_sync(&self, request: &SyncRequest) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        if request.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs = |asked: &Option<String>, ours: &Option<String>| asked.is_some() && asked != ours;
        if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol, &self.protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        match self.state {
            State::Empty => Err(ResponseError::UnknownMemberId),
            State::Preparing(_) => Err(ResponseError::RebalanceInProgress),
            State::Completing if self.is_too_much(request) => Err(ResponseError::GroupMaxSizeReached),
            State::Completing | State::Stable => Ok(()),
        }
    }

    /// Whether the group would be more than can be stored with these assignments.
    fn is_too_much(&self, request: &SyncRequest) -> bool {
        let said: usize = self
            .members
            .values()
            .map(|m| m.bytes() - m.assignment.len())
            .sum();
        let assigned: usize = request.assignments.iter().map(|(_, part)| part.len()).sum();
        !request.assignments.is_empty() && said + assigned > self.limits.max_bytes
    }

    fn park_sync(&mut self, request: &SyncRequest, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(&request.member_id) else {
            return;
        };
        if let Some(old) = member.sync.replace(request.token) {
            effects.push(Effect::Synced(
                old,
                SyncReply::error(ResponseError::RebalanceInProgress),
            ));
        }
    }

    /// The leader's word: the group is stable, and who waits gets its part.
    fn assign(&mut self, now: u64, assignments: Vec<(String, Bytes)>, effects: &mut Effects) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.state = State::Stable;
        effects.push(Effect::Store);
        let parked: Vec<(String, Token)> = self
            .members
            .values_mut()
            .filter_map(|member| {
                let token = member.sync.take()?;
                member.touch(now);
                Some((member.id.clone(), token))
            })
            .collect();
        for (id, token) in parked {
            let reply = self.sync_reply(&id);
            effects.push(Effect::Synced(token, reply));
        }
    }

    fn sync_reply(&self, member_id: &str) -> SyncReply {
        SyncReply {
            error: None,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self
                .members
                .get(member_id)
                .map(|m| m.assignment.clone())
                .unwrap_or_default(),
        }
    }
}
