//! What remains to be done so that the cluster is as its objects say.
//!
//! A planner looks at the whole state, never at what happened: missing an event cannot make it miss work. Planning
//! is pure; [`run`] is the loop around it.
//!
//! Placing partitions is not here: [`tidemill_metadata::apply`] places them while a topic is created or grows, so that
//! a client that was told "created" can produce at once.

use std::collections::{BTreeMap, BTreeSet};

use tidemill_metadata::{Command, Image};
use uuid::Uuid;

use crate::live::{Live, PartitionFacts};

mod deletion;
mod runner;
mod topic;

#[cfg(test)]
mod tests;

pub use runner::run;

/// What was seen of the data plane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Open replicas, by topic id and partition.
    pub partitions: BTreeMap<(Uuid, u32), PartitionFacts>,
    /// Ids of topics that have data on a disk; looked at only while a deletion is under way.
    pub topics_on_disk: BTreeSet<Uuid>,
}

impl Observed {
    /// Looks at every partition of the image.
    pub fn look(image: &Image, live: &dyn Live) -> Self {
        let mut partitions = BTreeMap::new();
        for topic in image.topics() {
            for index in 0..topic.partition_count() {
                if let Some(facts) = live.partition(topic.id, index) {
                    partitions.insert((topic.id, index), facts);
                }
            }
        }
        let deleting = image.deletions().next().is_some();
        let topics_on_disk = if deleting {
            live.topics_on_disk()
        } else {
            BTreeSet::new()
        };
        Self {
            partitions,
            topics_on_disk,
        }
    }
}

/// Everything there is to do, by all planners.
pub fn plan(image: &Image, observed: &Observed) -> Vec<Command> {
    let mut commands = topic::plan(image, observed);
    commands.extend(deletion::plan(image, observed));
    commands
}
