//! The classic group protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup) as a pure state machine.
//!
//! No IO, no clock, no randomness: time comes in as monotonic milliseconds, member ids come in ready
//! made, and answers to parked requests go out as [`Effect`]s. Sources: the Kafka protocol guide,
//! KIP-345 (static members), KIP-394 (member id required), KIP-800 (reasons), KIP-814 (skip assignment).
//!
//! Invariants: the generation never falls; a parked request is answered exactly once; a member that
//! heartbeats within its session timeout stays; at most one member has a given instance id.

mod join;
mod leave;
mod member;
mod rebalance;
mod restore;
mod static_members;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;

pub(crate) use join::{JoinMember, JoinReply, JoinRequest, protocol_bytes};
pub(crate) use leave::LeaveIdentity;
pub(crate) use member::Member;
pub(crate) use restore::Newcomer;
use sync::Unsynced;
pub(crate) use sync::{SyncReply, SyncRequest};

/// Names a parked request; the shell keeps who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(pub(crate) u64);

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Answer a JoinGroup.
    Joined(Token, Box<JoinReply>),
    /// Answer a SyncGroup.
    Synced(Token, SyncReply),
    /// Store the group as [`ClassicGroup::metadata`] shows it, before the answers that follow.
    Store,
}

/// Collects effects in order.
pub(crate) type Effects = Vec<Effect>;

/// Limits that the state machine keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Wait of the first rebalance of an empty group, ms.
    pub(crate) initial_delay_ms: u64,
    /// Members a group may have.
    pub(crate) max_members: usize,
    /// What the members together may say of themselves and be assigned, in bytes.
    pub(crate) max_bytes: usize,
}

/// Waiting for members to join.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Preparing {
    /// The rebalance ends now at the latest (or is put off, see `hard_deadline`).
    deadline: u64,
    /// Set for the first rebalance of an empty group, which waits even when all have joined.
    initial: Option<Initial>,
}

/// The first rebalance of an empty group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Initial {
    /// The wait is not made longer than this.
    hard_deadline: u64,
    /// Someone joined since the wait was last extended.
    grew: bool,
}

/// Where a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// No members; offsets may remain.
    Empty,
    /// Waiting for members to join.
    Preparing(Preparing),
    /// Waiting for the leader's assignment.
    Completing,
    /// The leader has assigned.
    Stable,
}

/// A group of the classic protocol.
#[derive(Debug, Clone)]
pub(crate) struct ClassicGroup {
    limits: Limits,
    state: State,
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// Instance id to member id.
    instances: BTreeMap<String, String>,
    /// Member ids handed out by MEMBER_ID_REQUIRED that have not joined, with their deadlines.
    pending: BTreeMap<String, u64>,
    unsynced: Unsynced,
    /// Wall-clock ms at which the group entered its state; the shell stamps it.
    pub(crate) state_ms: i64,
}

impl ClassicGroup {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            unsynced: Unsynced::default(),
            state_ms: -1,
        }
    }

    /// Kafka's name of the state.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.state {
            State::Empty => "Empty",
            State::Preparing(_) => "PreparingRebalance",
            State::Completing => "CompletingRebalance",
            State::Stable => "Stable",
        }
    }

    /// No member and none on the way: the group may be deleted or taken over.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.state, State::Empty)
    }

    /// Nobody at all, not even someone who was just given a member id.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_empty() && self.pending.is_empty()
    }

    pub(crate) fn protocol_type(&self) -> &str {
        self.protocol_type.as_deref().unwrap_or_default()
    }

    /// The chosen assignor.
    pub(crate) fn protocol(&self) -> &str {
        self.protocol.as_deref().unwrap_or_default()
    }

    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(crate) fn member_count(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_stable(&self) -> bool {
        matches!(self.state, State::Stable)
    }

    /// The member's metadata for the chosen protocol, empty while there is none.
    pub(crate) fn subscription_of(&self, member: &Member) -> Bytes {
        self.protocol
            .as_deref()
            .and_then(|p| member.metadata(p))
            .unwrap_or_default()
    }

    /// Heartbeat: keeps the member alive and tells it of a rebalance.
    pub(crate) fn heartbeat(
        &mut self,
        now: u64,
        (member_id, instance_id): (&str, Option<&str>),
        generation: i32,
    ) -> Result<(), ResponseError> {
        self.check_member(member_id, instance_id)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        self.touch(now, member_id);
        match self.state {
            State::Preparing(_) => Err(ResponseError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Whether an offset commit may go ahead; a good one counts as a heartbeat.
    pub(crate) fn check_commit(
        &mut self,
        now: u64,
        (member_id, instance_id): (&str, Option<&str>),
        generation: i32,
    ) -> Result<(), ResponseError> {
        if generation < 0 && self.is_empty() {
            // An admin tool, or a consumer that uses the group for its offsets only.
            return Ok(());
        }
        if generation < 0 && member_id.is_empty() && instance_id.is_none() {
            return Err(ResponseError::UnknownMemberId);
        }
        self.check_member(member_id, instance_id)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        self.touch(now, member_id);
        match self.state {
            // Who commits here has not seen its new assignment: it may not own what it commits.
            State::Completing => Err(ResponseError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// That the member is of this group, and not a static member that another has replaced.
    fn check_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), ResponseError> {
        if let Some(instance) = instance_id {
            match self.instances.get(instance) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(holder) if holder != member_id => return Err(ResponseError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    fn touch(&mut self, now: u64, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.touch(now);
        }
    }
}
