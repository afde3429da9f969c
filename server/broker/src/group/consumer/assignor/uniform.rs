//! The uniform assignor when all members have the same subscription.

use super::{AssignorInput, Kept, Slot, collect, keep_previous};
use crate::group::records::TopicPartitions;

/// Gives every member the same number of partitions, give or take one, and moves the fewest.
pub(super) fn assign(input: &AssignorInput) -> Vec<TopicPartitions> {
    if input.members.is_empty() {
        return Vec::new();
    }
    let Kept { mut parts, mut free } = keep_previous(input);
    if let Some(first) = input.members.first() {
        // Only topics that somebody subscribes to.
        free.retain(|(topic, _)| first.subscribed.contains(topic));
    }
    let total = parts.iter().map(Vec::len).sum::<usize>() + free.len();
    let quota = total / parts.len();
    let mut one_more = total % parts.len();
    let mut loose: Vec<Slot> = free.into_iter().collect();
    for part in &mut parts {
        let mut allowed = quota;
        if part.len() > quota && one_more > 0 {
            one_more -= 1;
            allowed += 1;
        }
        loose.extend(part.drain(allowed.min(part.len())..));
    }
    // Topic by topic in turn, so that each topic's partitions spread over the members.
    loose.sort_unstable();
    fill(&mut parts, loose, quota);
    parts.into_iter().map(collect).collect()
}

/// Hands out what is loose: first up to the quota, then one more to each until nothing is left.
fn fill(parts: &mut [Vec<Slot>], loose: Vec<Slot>, quota: usize) {
    let mut loose = loose.into_iter();
    for limit in [quota, quota + 1] {
        loop {
            let mut gave = false;
            for part in parts.iter_mut().filter(|part| part.len() < limit) {
                let Some(partition) = loose.next() else { return };
                part.push(partition);
                gave = true;
            }
            if !gave {
                break;
            }
        }
    }
}
