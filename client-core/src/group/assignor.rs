//! Who reads what: the assignors that the leader of a classic group runs. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::admin::TopicPartition;

/// How a classic group divides its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assignor {
    /// Neighbouring partitions of each topic to each member.
    Range,
    /// Partitions dealt out one by one.
    RoundRobin,
    /// Evenly, moving as few as it can; every member stops while it rebalances.
    Sticky,
    /// Evenly, moving as few as it can; only partitions that move stop (KIP-429). The default.
    #[default]
    CooperativeSticky,
}

/// What one member brings to the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscription {
    pub(super) topics: BTreeSet<Arc<str>>,
    pub(super) owned: Vec<TopicPartition>,
    /// In which generation it owned them; -1 if not told.
    pub(super) generation: i32,
}

pub(super) type Members = BTreeMap<String, Subscription>;
pub(super) type Assignment = BTreeMap<String, BTreeSet<TopicPartition>>;

impl Assignor {
    /// Its name in the protocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [
            Self::Range,
            Self::RoundRobin,
            Self::Sticky,
            Self::CooperativeSticky,
        ]
        .into_iter()
        .find(|a| a.name() == name)
    }

    /// Divides topics of these many partitions among `members`.
    pub(super) fn assign(self, members: &Members, counts: &BTreeMap<Arc<str>, i32>) -> Assignment {
        match self {
            Self::Range => range(members, counts),
            Self::RoundRobin => round_robin(members, counts),
            Self::Sticky => sticky(members, counts),
            Self::CooperativeSticky => hold_back(sticky(members, counts), members),
        }
    }
}

fn nothing_yet(members: &Members) -> Assignment {
    members
        .keys()
        .map(|member| (member.clone(), BTreeSet::new()))
        .collect()
}

fn give(assignment: &mut Assignment, member: &str, topic: &Arc<str>, partition: i32) {
    if let Some(partitions) = assignment.get_mut(member) {
        partitions.insert(TopicPartition {
            topic: topic.clone(),
            partition,
        });
    }
}

fn range(members: &Members, counts: &BTreeMap<Arc<str>, i32>) -> Assignment {
    let mut assignment = nothing_yet(members);
    for (topic, &count) in counts {
        let readers: Vec<&String> = members
            .iter()
            .filter(|(_, s)| s.topics.contains(topic))
            .map(|(member, _)| member)
            .collect();
        let Ok(readers_count) = i32::try_from(readers.len()) else {
            continue;
        };
        if readers_count == 0 {
            continue;
        }
        let (each, more) = (count / readers_count, count % readers_count);
        let mut next = 0;
        for (member, at) in readers.into_iter().zip(0..) {
            let share = each + i32::from(at < more);
            (next..next + share).for_each(|partition| give(&mut assignment, member, topic, partition));
            next += share;
        }
    }
    assignment
}

fn round_robin(members: &Members, counts: &BTreeMap<Arc<str>, i32>) -> Assignment {
    let mut assignment = nothing_yet(members);
    let mut turn = members.iter().cycle();
    for (topic, &count) in counts {
        if !members
            .values()
            .any(|subscription| subscription.topics.contains(topic))
        {
            continue;
        }
        for partition in 0..count {
            // Ends, for some member reads the topic.
            if let Some((member, _)) = turn.find(|(_, subscription)| subscription.topics.contains(topic)) {
                give(&mut assignment, member, topic, partition);
            }
        }
    }
    assignment
}

/// Everyone keeps what it has; what nobody has goes to who has least; then from who has most to who has least.
fn sticky(members: &Members, counts: &BTreeMap<Arc<str>, i32>) -> Assignment {
    let mut assignment = kept(members, counts);
    let taken: BTreeSet<TopicPartition> = assignment.values().flatten().cloned().collect();
    for (topic, &count) in counts {
        for partition in 0..count {
            let wanted = TopicPartition {
                topic: topic.clone(),
                partition,
            };
            if taken.contains(&wanted) {
                continue;
            }
            let readers = members
                .iter()
                .filter(|(_, subscription)| subscription.topics.contains(topic));
            let least = readers
                .map(|(member, _)| member)
                .min_by_key(|member| load(&assignment, member));
            if let Some(member) = least {
                give(&mut assignment, member, topic, partition);
            }
        }
    }
    while let Some((from, to, partition)) = next_move(members, &assignment) {
        if let Some(partitions) = assignment.get_mut(&from) {
            partitions.remove(&partition);
        }
        give(&mut assignment, &to, &partition.topic, partition.partition);
    }
    assignment
}

fn load(assignment: &Assignment, member: &str) -> usize {
    assignment.get(member).map_or(0, BTreeSet::len)
}

/// What each member may keep of what it says it owns. Of two that claim the same, the newer generation is right.
fn kept(members: &Members, counts: &BTreeMap<Arc<str>, i32>) -> Assignment {
    let mut owners: BTreeMap<&TopicPartition, (&String, i32)> = BTreeMap::new();
    for (member, subscription) in members {
        for partition in &subscription.owned {
            let exists = counts
                .get(&partition.topic)
                .is_some_and(|count| partition.partition < *count);
            let newer = owners
                .get(partition)
                .is_none_or(|(_, generation)| subscription.generation > *generation);
            if exists && newer && subscription.topics.contains(&partition.topic) {
                owners.insert(partition, (member, subscription.generation));
            }
        }
    }
    let mut assignment = nothing_yet(members);
    for (partition, (member, _)) in owners {
        give(&mut assignment, member, &partition.topic, partition.partition);
    }
    assignment
}

/// A move that makes the load more even: from a member to one with at least two fewer.
fn next_move(members: &Members, assignment: &Assignment) -> Option<(String, String, TopicPartition)> {
    let mut by_load: Vec<&String> = members.keys().collect();
    by_load.sort_by_key(|member| load(assignment, member));
    for from in by_load.iter().rev() {
        for to in &by_load {
            if load(assignment, from) < load(assignment, to) + 2 {
                break;
            }
            let wants = |partition: &&TopicPartition| {
                members
                    .get(*to)
                    .is_some_and(|s| s.topics.contains(&partition.topic))
            };
            if let Some(partition) = assignment.get(*from).and_then(|has| has.iter().rev().find(wants)) {
                return Some(((*from).clone(), (*to).clone(), partition.clone()));
            }
        }
    }
    None
}

/// Nobody gets what another still reads: that one gives it up first, and the next round hands it over.
fn hold_back(mut assignment: Assignment, members: &Members) -> Assignment {
    for (member, partitions) in &mut assignment {
        partitions.retain(|partition| {
            !members
                .iter()
                .any(|(other, subscription)| other != member && subscription.owned.contains(partition))
        });
    }
    assignment
}

#[cfg(test)]
#[path = "assignor_tests.rs"]
mod tests;
