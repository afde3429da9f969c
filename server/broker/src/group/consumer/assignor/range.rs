//! The range assignor: each topic's partitions in order, cut into as many ranges as it has members.

use uuid::Uuid;

use super::{AssignorInput, collect};
use crate::group::records::TopicPartitions;

pub(super) fn assign(input: &AssignorInput) -> Vec<TopicPartitions> {
    // Static members sort by instance id, so that a restart under a new member id changes nothing.
    let mut order: Vec<usize> = (0..input.members.len()).collect();
    let name = |index: &usize| {
        input
            .members
            .get(*index)
            .map(|m| (m.instance_id.is_none(), m.instance_id.as_ref().unwrap_or(&m.id)))
    };
    order.sort_by(|a, b| name(a).cmp(&name(b)));
    let mut parts: Vec<Vec<(Uuid, i32)>> = vec![Vec::new(); input.members.len()];
    for (topic, count) in &input.topics {
        let subscribes = |index: &usize| {
            input
                .members
                .get(*index)
                .is_some_and(|m| m.subscribed.contains(topic))
        };
        let members: Vec<usize> = order.iter().copied().filter(subscribes).collect();
        let Ok(number) = i32::try_from(members.len()) else {
            continue;
        };
        if number == 0 {
            continue;
        }
        let (each, extra) = (count / number, count % number);
        let mut start = 0;
        for (position, member) in (0..).zip(members) {
            let end = start + each + i32::from(position < extra);
            if let Some(part) = parts.get_mut(member) {
                part.extend((start..end).map(|index| (*topic, index)));
            }
            start = end;
        }
    }
    parts.into_iter().map(collect).collect()
}
