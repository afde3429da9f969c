//! Topics: says how many partitions are ready, and why not all.

use tidemill_metadata::{Command, Image, TopicImage};
use tidemill_resource::{Condition, TopicStatus};

use super::Observed;

/// Records the status of every topic whose status is not what is seen.
pub(super) fn plan(image: &Image, observed: &Observed) -> Vec<Command> {
    let stale = image.topics().filter_map(|topic| {
        let status = status(topic, observed);
        (status != topic.status).then(|| Command::SetTopicStatus { id: topic.id, status })
    });
    stale.collect()
}

fn status(topic: &TopicImage, observed: &Observed) -> TopicStatus {
    let generation = topic.meta.generation;
    let partitions = topic.partition_count();
    let mut ready_partitions = 0;
    let mut first_failure = None;
    for index in 0..partitions {
        match observed
            .partitions
            .get(&(topic.id, index))
            .map(|facts| &facts.failed)
        {
            None => {}
            Some(None) => ready_partitions += 1,
            Some(Some(reason)) => first_failure = first_failure.or(Some((index, reason))),
        }
    }
    let ready = if let Some((index, reason)) = first_failure {
        let message = format!("partition {index} failed: {reason}");
        Condition::ready(false, "ReplicaFailed", message, generation)
    } else if let Some(reason) = observed.chains_failed.get(&topic.id) {
        Condition::ready(false, "TransformFailed", reason.clone(), generation)
    } else if ready_partitions < partitions {
        let message = format!("{ready_partitions} of {partitions} partitions are open");
        Condition::ready(false, "PartitionsOpening", message, generation)
    } else {
        Condition::ready(
            true,
            "Serving",
            format!("all {partitions} partitions are open"),
            generation,
        )
    };
    TopicStatus {
        observed_generation: generation,
        partitions,
        ready_partitions,
        conditions: vec![ready],
    }
}
