//! Server-side assignors: pure functions from subscriptions to a target assignment.
//!
//! All give each partition of each subscribed topic to exactly one member that subscribes to it.

mod general;
mod range;
#[cfg(test)]
mod tests;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::group::records::TopicPartitions;

/// The default: balanced, and as little moved as balance allows.
pub(super) const UNIFORM: &str = "uniform";
/// Neighbouring partitions of each topic; the same partition numbers of several topics go together.
const RANGE: &str = "range";

/// The assignors that a client may ask for, the default first.
pub(super) const NAMES: &[&str] = &[UNIFORM, RANGE];

/// A member as assignors see it.
#[derive(Debug, Clone)]
pub(super) struct AssignorMember {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) subscribed: Arc<BTreeSet<Uuid>>,
    /// Its part of the last target assignment.
    pub(super) previous: TopicPartitions,
}

/// What an assignment is made from.
#[derive(Debug, Clone)]
pub(super) struct AssignorInput {
    /// Partition count of each subscribed topic that exists.
    pub(super) topics: BTreeMap<Uuid, i32>,
    /// In the order of ids.
    pub(super) members: Vec<AssignorMember>,
}

/// Assigns by the named assignor; every member has an entry in the answer.
pub(super) fn assign(name: &str, input: &AssignorInput) -> BTreeMap<String, TopicPartitions> {
    let parts = if name == RANGE {
        range::assign(input)
    } else if input
        .members
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a.subscribed == b.subscribed))
    {
        uniform::assign(input)
    } else {
        general::assign(input)
    };
    input.members.iter().map(|m| m.id.clone()).zip(parts).collect()
}

/// A partition: topic id and index.
type Slot = (Uuid, i32);

/// Where an assignment starts from.
struct Kept {
    /// Per member, what it keeps.
    parts: Vec<Vec<Slot>>,
    /// What nobody keeps, in order.
    free: Vec<Slot>,
}

/// What each member keeps of its last target: partitions that exist, that it still subscribes to,
/// and that no member before it keeps.
fn keep_previous(input: &AssignorInput) -> Kept {
    // By topic, whether a partition is taken: a set of all partitions costs far more.
    let taken = |count: &i32| vec![false; usize::try_from(*count).unwrap_or(0)];
    let mut taken: BTreeMap<Uuid, Vec<bool>> = input
        .topics
        .iter()
        .map(|(id, count)| (*id, taken(count)))
        .collect();
    let mut take = |(topic, index): &Slot| {
        let slot = usize::try_from(*index).ok();
        let slot = slot.and_then(|index| taken.get_mut(topic)?.get_mut(index));
        slot.is_some_and(|taken| !std::mem::replace(taken, true))
    };
    let keep = |m: &AssignorMember| {
        let wanted = super::each(&m.previous).filter(|(topic, _)| m.subscribed.contains(topic));
        wanted.filter(&mut take).collect()
    };
    let parts = input.members.iter().map(keep).collect();
    let free_of = |(topic, taken): (&Uuid, &Vec<bool>)| {
        let free = (0..).zip(taken).filter(|(_, taken)| !**taken);
        free.map(|(index, _)| (*topic, index)).collect::<Vec<Slot>>()
    };
    let free = taken.iter().flat_map(free_of).collect();
    Kept { parts, free }
}

fn collect(partitions: Vec<Slot>) -> TopicPartitions {
    let mut set = TopicPartitions::new();
    for (topic, index) in partitions {
        set.entry(topic).or_default().insert(index);
    }
    set
}
