//! What the client may do, as bits by Kafka's operation numbers (KIP-430). Nobody is authenticated yet, so
//! that is everything that the kind of resource knows.

/// Not asked for.
pub(crate) const NOT_TOLD: i32 = i32::MIN;
/// Read, write, create, delete, alter, describe, describe and alter configs.
const TOPIC: i32 = bits(&[3, 4, 5, 6, 7, 8, 10, 11]);
/// Create, alter, describe, cluster action, describe and alter configs, idempotent write.
const CLUSTER: i32 = bits(&[5, 7, 8, 9, 10, 11, 12]);
/// Read, delete, describe, describe and alter configs.
const GROUP: i32 = bits(&[3, 6, 8, 10, 11]);

const fn bits(operations: &[u32]) -> i32 {
    let mut bits = 0;
    let mut at = 0;
    while at < operations.len() {
        bits |= 1 << operations[at];
        at += 1;
    }
    bits
}

pub(crate) fn on_topic(asked: bool) -> i32 {
    if asked { TOPIC } else { NOT_TOLD }
}

pub(crate) fn on_cluster(asked: bool) -> i32 {
    if asked { CLUSTER } else { NOT_TOLD }
}

#[allow(dead_code, reason = "for DescribeGroups")]
pub(crate) fn on_group(asked: bool) -> i32 {
    if asked { GROUP } else { NOT_TOLD }
}
