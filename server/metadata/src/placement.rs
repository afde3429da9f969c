//! Which brokers hold a partition.

use crate::image::Image;
use crate::rejection::{Reason, Rejection};

/// Spreads `count` partitions of `factor` replicas over the registered brokers, round robin from `start`. The
/// followers of partitions that share a leader are spread as well, so that losing a broker loads all others alike.
///
/// Placement happens while a topic is created, not later by a reconciler: a client that was told "created" can
/// produce at once.
///
/// # Errors
/// When there are fewer brokers than replicas.
pub(crate) fn place(image: &Image, count: u32, factor: u16, start: u64) -> Result<Vec<Vec<i32>>, Rejection> {
    let brokers: Vec<i32> = image.brokers().map(|broker| broker.id).collect();
    let known = brokers.len();
    let factor = usize::from(factor);
    if factor == 0 || factor > known {
        let message = match known {
            1 => {
                format!("the replication factor is {factor}, and there is one broker: use 1, or add brokers")
            }
            _ => format!(
                "the replication factor is {factor}, and there are {known} brokers: use 1 to {known}, or add brokers"
            ),
        };
        return Err(Rejection::new(Reason::InvalidReplicationFactor, message).at("spec.replicationFactor"));
    }
    let start = usize::try_from(start % known as u64).unwrap_or(0);
    let replicas = |partition: usize| {
        let first = start + partition;
        let shift = partition / known;
        let followers = (1..factor).map(move |n| first + 1 + (shift + n - 1) % (known - 1).max(1));
        std::iter::once(first)
            .chain(followers)
            .filter_map(|n| brokers.get(n % known).copied())
            .collect()
    };
    Ok((0..count as usize).map(replicas).collect())
}

/// Checks replicas that a caller chose.
///
/// # Errors
/// When a partition has none, has one twice, names an unknown broker, or has more or fewer than the others.
pub(crate) fn check(image: &Image, assignments: &[Vec<i32>], factor: usize) -> Result<(), Rejection> {
    let refuse = |partition: usize, problem: String| {
        let message = format!("the replicas chosen for partition {partition} are not legal: {problem}");
        Err(Rejection::new(Reason::InvalidReplicaAssignment, message))
    };
    for (partition, replicas) in assignments.iter().enumerate() {
        if replicas.is_empty() {
            return refuse(partition, "there are none: name at least one broker".to_owned());
        }
        if replicas.len() != factor {
            let problem = format!(
                "there are {}, and {factor} are needed: give all the same number",
                replicas.len()
            );
            return refuse(partition, problem);
        }
        for (position, id) in replicas.iter().enumerate() {
            if image.broker(*id).is_none() {
                return refuse(
                    partition,
                    format!("there is no broker {id}: choose among those registered"),
                );
            }
            if replicas.iter().take(position).any(|earlier| earlier == id) {
                return refuse(partition, format!("broker {id} is there twice: name each once"));
            }
        }
    }
    Ok(())
}
