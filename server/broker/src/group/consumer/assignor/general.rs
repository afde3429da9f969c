//! The uniform assignor when subscriptions differ: keep, hand out, then even out.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{AssignorInput, Kept, Slot, collect, keep_previous};
use crate::group::records::TopicPartitions;

/// Moves one partition at a time from a member to one with at least two fewer, until there is no
/// such move. Each move lowers the sum of squares of the members' loads, so it ends.
pub(super) fn assign(input: &AssignorInput) -> Vec<TopicPartitions> {
    let Kept { parts: kept, free } = keep_previous(input);
    let subscribers = subscribers(input);
    let mut loads: Vec<usize> = kept.iter().map(Vec::len).collect();
    let mut owner: BTreeMap<Slot, usize> = BTreeMap::new();
    for (member, partitions) in kept.into_iter().enumerate() {
        owner.extend(partitions.into_iter().map(|partition| (partition, member)));
    }
    let candidates = |topic: &Uuid| subscribers.get(topic).map(Vec::as_slice).unwrap_or_default();
    let mut loose: Vec<Slot> = free.into_iter().collect();
    // Those that few can take go first.
    loose.sort_by_key(|(topic, index)| (candidates(topic).len(), *index, *topic));
    for partition in loose {
        if let Some(member) = least_loaded(candidates(&partition.0), &loads) {
            give(&mut loads, member, None);
            owner.insert(partition, member);
        }
    }
    loop {
        let mut moved = false;
        for ((topic, _), holder) in &mut owner {
            let Some(member) = least_loaded(candidates(topic), &loads) else {
                continue;
            };
            if load(&loads, *holder) > load(&loads, member) + 1 {
                give(&mut loads, member, Some(*holder));
                *holder = member;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut parts = vec![Vec::new(); input.members.len()];
    for (partition, member) in owner {
        if let Some(part) = parts.get_mut(member) {
            part.push(partition);
        }
    }
    parts.into_iter().map(collect).collect()
}

fn subscribers(input: &AssignorInput) -> BTreeMap<Uuid, Vec<usize>> {
    let mut subscribers: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    for (index, member) in input.members.iter().enumerate() {
        for topic in member.subscribed.iter() {
            subscribers.entry(*topic).or_default().push(index);
        }
    }
    subscribers
}

fn load(loads: &[usize], member: usize) -> usize {
    loads.get(member).copied().unwrap_or(usize::MAX - 1)
}

fn least_loaded(candidates: &[usize], loads: &[usize]) -> Option<usize> {
    candidates
        .iter()
        .copied()
        .min_by_key(|member| load(loads, *member))
}

fn give(loads: &mut [usize], to: usize, from: Option<usize>) {
    if let Some(load) = loads.get_mut(to) {
        *load += 1;
    }
    if let Some(load) = from.and_then(|from| loads.get_mut(from)) {
        *load -= 1;
    }
}
