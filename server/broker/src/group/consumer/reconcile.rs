//! One step of one member from what it owns to what it shall own (KIP-848, "member state machine").

use uuid::Uuid;

use super::each;
use crate::group::records::{CurrentAssignment, TopicPartitions};

/// The member has all that its target gives it.
pub(super) const STABLE: i8 = 0;
/// The member has partitions that it must let go.
pub(super) const REVOKING: i8 = 1;
/// The member waits for partitions that others have yet to let go.
pub(super) const WAITING: i8 = 2;

/// What a step depends on.
pub(super) struct Step<'a> {
    pub(super) current: &'a CurrentAssignment,
    pub(super) target: &'a TopicPartitions,
    pub(super) target_epoch: i32,
    /// What the member says it owns; `None` when it did not say.
    pub(super) owned: Option<&'a TopicPartitions>,
    /// Whether no other member owns the partition.
    pub(super) is_free: &'a dyn Fn(Uuid, i32) -> bool,
}

/// The member's assignment after this heartbeat; `None` when it waits, or has all it shall have.
pub(super) fn reconcile(step: &Step<'_>) -> Option<CurrentAssignment> {
    match step.current.state {
        REVOKING if owns_any(step.owned, &step.current.revoking) => None,
        STABLE if step.current.epoch == step.target_epoch => None,
        _ => Some(advance(step)),
    }
}

/// Whether the member still owns some of `partitions`; when it did not say, it does.
fn owns_any(owned: Option<&TopicPartitions>, partitions: &TopicPartitions) -> bool {
    match owned {
        None => !partitions.is_empty(),
        Some(owned) => each(partitions).any(|(t, p)| contains(owned, t, p)),
    }
}

fn contains(set: &TopicPartitions, topic: Uuid, partition: i32) -> bool {
    set.get(&topic)
        .is_some_and(|indexes| indexes.contains(&partition))
}

fn advance(step: &Step<'_>) -> CurrentAssignment {
    let mut keep = TopicPartitions::new();
    let mut revoking = TopicPartitions::new();
    for (topic, partition) in each(&step.current.assigned) {
        let side = if contains(step.target, topic, partition) {
            &mut keep
        } else {
            &mut revoking
        };
        side.entry(topic).or_default().insert(partition);
    }
    if owns_any(step.owned, &revoking) {
        // It stays at its epoch, so that its commits are good until it has let go.
        return next(step, step.current.epoch, REVOKING, (keep, revoking));
    }
    let mut state = STABLE;
    for (topic, partition) in each(step.target) {
        if contains(&keep, topic, partition) {
            continue;
        }
        if (step.is_free)(topic, partition) {
            keep.entry(topic).or_default().insert(partition);
        } else {
            state = WAITING;
        }
    }
    next(step, step.target_epoch, state, (keep, TopicPartitions::new()))
}

fn next(
    step: &Step<'_>,
    epoch: i32,
    state: i8,
    (assigned, revoking): (TopicPartitions, TopicPartitions),
) -> CurrentAssignment {
    let current = step.current;
    let previous_epoch = if epoch == current.epoch {
        current.previous_epoch
    } else {
        current.epoch
    };
    CurrentAssignment {
        epoch,
        previous_epoch,
        state,
        assigned,
        revoking,
    }
}
