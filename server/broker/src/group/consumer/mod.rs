//! The consumer group protocol of KIP-848 (ConsumerGroupHeartbeat) as a pure state machine.
//!
//! No IO, no clock, no randomness. Every change of what must survive goes out as [`Record`]s.
//!
//! How it works: any change of members, subscriptions or topics bumps the **group epoch**. The next
//! heartbeat computes a **target assignment** for that epoch. Each member is then led from what it
//! owns to its target by its own heartbeats: first it lets go, then it is given what others have let go.
//!
//! Invariants: a partition has at most one owner, counting partitions that a member has yet to let
//! go; epochs never fall; a member that heartbeats in time and lets go when told is never removed.

mod admit;
mod assignor;
mod classic_members;
mod describe;
mod embedded;
mod heartbeat;
mod leave;
mod member;
mod migration;
mod progress;
mod reconcile;
mod request;
mod restore;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

pub(crate) use describe::MemberView;
pub(crate) use request::{HeartbeatReply, HeartbeatRequest};
pub(crate) use restore::StoredConsumerGroup;

use super::classic;
use super::records::{ConsumerMetadata, CurrentAssignment, Key, Record, TopicPartitions, Value};
use member::Member;
use subscription::Patterns;

/// Epoch by which a member leaves for good.
const LEAVE_EPOCH: i32 = -1;
/// Epoch by which a static member leaves for a while.
const STATIC_LEAVE_EPOCH: i32 = -2;

/// An error code with words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ResponseError,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ResponseError, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Limits that the state machine keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) session_timeout_ms: u64,
    pub(crate) heartbeat_interval_ms: i32,
    pub(crate) max_members: usize,
    /// What the members together may say of themselves, in bytes.
    pub(crate) max_bytes: usize,
    /// Whether members of the classic protocol may join.
    pub(crate) takes_classic: bool,
    /// Of the classic group that it becomes when only members of that protocol are left; `None` for a
    /// group that stays what it is.
    pub(crate) downgrade: Option<classic::Limits>,
}

/// A group of the KIP-848 protocol.
#[derive(Debug)]
pub(crate) struct ConsumerGroup {
    id: String,
    limits: Limits,
    epoch: i32,
    metadata_hash: i64,
    target_epoch: i32,
    target: BTreeMap<String, TopicPartitions>,
    members: BTreeMap<String, Member>,
    /// Instance id to member id.
    instances: BTreeMap<String, String>,
    /// Who owns a partition, or has yet to let it go.
    owners: FxHashMap<(Uuid, i32), String>,
    /// Version of the topics that subscriptions were last resolved against.
    topics_version: Option<u64>,
    patterns: Patterns,
}

impl ConsumerGroup {
    pub(crate) fn new(id: String, limits: Limits) -> Self {
        Self {
            id,
            limits,
            epoch: 0,
            metadata_hash: 0,
            target_epoch: 0,
            target: BTreeMap::new(),
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            owners: FxHashMap::default(),
            topics_version: None,
            patterns: Patterns::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Whether an offset commit may go ahead. `knows_epochs`: the request's version is of KIP-848.
    pub(crate) fn check_commit(
        &self,
        member_id: &str,
        epoch: i32,
        knows_epochs: bool,
    ) -> Result<(), ResponseError> {
        if epoch < 0 && self.members.is_empty() {
            return Ok(());
        }
        let member = self.members.get(member_id);
        if member.is_some_and(|m| !m.is_classic() && !knows_epochs) {
            return Err(ResponseError::UnsupportedVersion);
        }
        self.check_epoch(member_id, epoch)
    }

    /// That the member is of this group and up to date. A classic member knows its epoch as generation.
    pub(crate) fn check_epoch(&self, member_id: &str, epoch: i32) -> Result<(), ResponseError> {
        let member = self
            .members
            .get(member_id)
            .ok_or(ResponseError::UnknownMemberId)?;
        match member.current.epoch == epoch {
            true => Ok(()),
            false if member.is_classic() => Err(ResponseError::IllegalGeneration),
            false => Err(ResponseError::StaleMemberEpoch),
        }
    }

    fn bump_epoch(&mut self, out: &mut Vec<Record>) {
        self.epoch = self.epoch.saturating_add(1);
        self.store_epoch(out);
    }

    fn store_epoch(&self, out: &mut Vec<Record>) {
        let value = ConsumerMetadata {
            epoch: self.epoch,
            metadata_hash: self.metadata_hash,
        };
        out.push(Record::put(
            Key::Consumer {
                group: self.id.clone(),
            },
            Value::Consumer(value),
        ));
    }

    fn member_key(&self, member: &str) -> Key {
        Key::Member {
            group: self.id.clone(),
            member: member.to_owned(),
        }
    }

    fn target_key(&self, member: &str) -> Key {
        Key::Target {
            group: self.id.clone(),
            member: member.to_owned(),
        }
    }

    fn current_key(&self, member: &str) -> Key {
        Key::Current {
            group: self.id.clone(),
            member: member.to_owned(),
        }
    }

    fn store_current(&self, member: &Member, out: &mut Vec<Record>) {
        out.push(Record::put(
            self.current_key(&member.id),
            Value::Current(member.current.clone()),
        ));
    }

    /// Changes what a member owns, and the owners with it.
    fn set_current(&mut self, member_id: &str, current: CurrentAssignment, out: &mut Vec<Record>) {
        self.release(member_id);
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        for (topic, partition) in each(&current.assigned).chain(each(&current.revoking)) {
            self.owners.insert((topic, partition), member_id.to_owned());
        }
        member.current = current;
        if let Some(member) = self.members.get(member_id) {
            self.store_current(member, out);
        }
    }

    /// Takes all partitions from a member.
    fn release(&mut self, member_id: &str) {
        let Some(member) = self.members.get(member_id) else {
            return;
        };
        for (topic, partition) in each(&member.current.assigned).chain(each(&member.current.revoking)) {
            if self
                .owners
                .get(&(topic, partition))
                .is_some_and(|owner| owner == member_id)
            {
                self.owners.remove(&(topic, partition));
            }
        }
    }

    /// Tombstones for all that is stored of the group itself (offsets apart).
    pub(crate) fn tombstones(&self, out: &mut Vec<Record>) {
        for id in self.members.keys() {
            self.member_tombstones(id, out);
        }
        out.push(Record::tombstone(Key::TargetEpoch {
            group: self.id.clone(),
        }));
        out.push(Record::tombstone(Key::Consumer {
            group: self.id.clone(),
        }));
    }

    fn member_tombstones(&self, id: &str, out: &mut Vec<Record>) {
        out.push(Record::tombstone(self.current_key(id)));
        out.push(Record::tombstone(self.target_key(id)));
        out.push(Record::tombstone(self.member_key(id)));
    }
}

/// Every partition of a set, in order.
fn each(partitions: &TopicPartitions) -> impl Iterator<Item = (Uuid, i32)> {
    partitions
        .iter()
        .flat_map(|(topic, indexes)| indexes.iter().map(|index| (*topic, *index)))
}
