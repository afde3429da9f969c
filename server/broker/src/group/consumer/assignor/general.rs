//! The uniform assignor when subscriptions differ: keep, hand out, then even out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use uuid::Uuid;

use super::{AssignorInput, Kept, Slot, collect, keep_previous};
use crate::group::records::TopicPartitions;

/// Moves one partition at a time from a member to one with at least two fewer, until there is no
/// such move. Each move lowers the sum of squares of the members' loads, so it ends.
pub(super) fn assign(input: &AssignorInput) -> Vec<TopicPartitions> {
    let Kept { parts: kept, free } = keep_previous(input);
    let mut loads = Loads::new(input, kept.iter().map(Vec::len).collect());
    let mut owner: BTreeMap<Slot, usize> = BTreeMap::new();
    for (member, partitions) in kept.into_iter().enumerate() {
        owner.extend(partitions.into_iter().map(|partition| (partition, member)));
    }
    let mut loose = free;
    // Those that few can take go first.
    loose.sort_by_key(|(topic, index)| (loads.candidates(topic), *index, *topic));
    for partition in loose {
        if let Some((_, member)) = loads.least(&partition.0) {
            loads.give(member, None);
            owner.insert(partition, member);
        }
    }
    loop {
        let mut moved = false;
        for ((topic, _), holder) in &mut owner {
            let Some((least, member)) = loads.least(topic) else {
                continue;
            };
            if loads.of(*holder) > least + 1 {
                loads.give(member, Some(*holder));
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

/// How many partitions each member has, and who has the fewest of those that can take a topic's.
///
/// Topics that the same members subscribe to are one class. Each class has a heap of its members by
/// load; an entry whose load is no more true is dropped when it comes up.
struct Loads {
    loads: Vec<usize>,
    classes: Vec<Class>,
    class_of: BTreeMap<Uuid, usize>,
    /// Per member, the classes that it is of.
    classes_of: Vec<Vec<usize>>,
}

struct Class {
    members: usize,
    /// Load and member.
    heap: BinaryHeap<Reverse<(usize, usize)>>,
}

impl Loads {
    fn new(input: &AssignorInput, loads: Vec<usize>) -> Self {
        let mut subscribers: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
        for (index, member) in input.members.iter().enumerate() {
            for topic in member.subscribed.iter() {
                subscribers.entry(*topic).or_default().push(index);
            }
        }
        let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut all = Self {
            classes: Vec::new(),
            class_of: BTreeMap::new(),
            classes_of: vec![Vec::new(); loads.len()],
            loads,
        };
        for (topic, members) in subscribers {
            let class = match known.get(&members) {
                Some(class) => *class,
                None => {
                    let class = all.add_class(&members);
                    known.insert(members, class);
                    class
                }
            };
            all.class_of.insert(topic, class);
        }
        all
    }

    fn add_class(&mut self, members: &[usize]) -> usize {
        let class = self.classes.len();
        for member in members {
            if let Some(classes) = self.classes_of.get_mut(*member) {
                classes.push(class);
            }
        }
        self.classes.push(Class {
            members: members.len(),
            heap: members.iter().map(|m| Reverse((self.of(*m), *m))).collect(),
        });
        class
    }

    /// How many members can take a partition of the topic.
    fn candidates(&self, topic: &Uuid) -> usize {
        let class = self
            .class_of
            .get(topic)
            .and_then(|class| self.classes.get(*class));
        class.map_or(0, |class| class.members)
    }

    fn of(&self, member: usize) -> usize {
        self.loads.get(member).copied().unwrap_or(usize::MAX - 1)
    }

    /// The least load among those that can take a partition of the topic, and whose it is: of equals,
    /// the first.
    fn least(&mut self, topic: &Uuid) -> Option<(usize, usize)> {
        let class = *self.class_of.get(topic)?;
        let Class { heap, .. } = self.classes.get_mut(class)?;
        while let Some(Reverse((load, member))) = heap.peek().copied() {
            if self.loads.get(member) == Some(&load) {
                return Some((load, member));
            }
            heap.pop();
        }
        None
    }

    /// A member has a partition more, which another, if it was another's, has less.
    fn give(&mut self, to: usize, from: Option<usize>) {
        if let Some(load) = self.loads.get_mut(to) {
            *load += 1;
        }
        if let Some(load) = from.and_then(|from| self.loads.get_mut(from)) {
            *load -= 1;
        }
        for member in from.into_iter().chain([to]) {
            let load = self.of(member);
            for class in self.classes_of.get(member).into_iter().flatten() {
                if let Some(Class { heap, .. }) = self.classes.get_mut(*class) {
                    heap.push(Reverse((load, member)));
                }
            }
        }
    }
}
