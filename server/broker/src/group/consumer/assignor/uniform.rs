//! The uniform assignor when all members have the same subscription.

use uuid::Uuid;

use super::{AssignorInput, collect, keep_previous};
use crate::group::records::TopicPartitions;

/// Gives every member the same number of partitions, give or take one, and moves the fewest.
pub(super) fn assign(input: &AssignorInput) -> Vec<TopicPartitions> {
    if input.members.is_empty() {
        return Vec::new();
    }
    let (mut parts, mut free) = keep_previous(input);
    let total = parts.iter().map(Vec::len).sum::<usize>() + subscribed_free(input, &mut free).len();
    let quota = total / parts.len();
    let mut one_more = total % parts.len();
    let mut loose: Vec<(Uuid, i32)> = free.into_iter().collect();
    for part in &mut parts {
        let mut allowed = quota;
        if part.len() > quota && one_more > 0 {
            one_more -= 1;
            allowed += 1;
        }
        loose.extend(part.drain(allowed.min(part.len())..));
    }
    // By partition number first, so that a topic's partitions spread over the members.
    loose.sort_by_key(|(topic, index)| (*index, *topic));
    fill(&mut parts, loose, quota);
    parts.into_iter().map(collect).collect()
}

/// Leaves only partitions of topics that somebody subscribes to.
fn subscribed_free<'a>(
    input: &AssignorInput,
    free: &'a mut std::collections::BTreeSet<(Uuid, i32)>,
) -> &'a std::collections::BTreeSet<(Uuid, i32)> {
    if let Some(first) = input.members.first() {
        free.retain(|(topic, _)| first.subscribed.contains(topic));
    }
    free
}

/// Hands out what is loose: first up to the quota, then one more to each until nothing is left.
fn fill(parts: &mut [Vec<(Uuid, i32)>], loose: Vec<(Uuid, i32)>, quota: usize) {
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
