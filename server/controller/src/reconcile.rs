//! What remains to be done so that the cluster is as its objects say.
//!
//! A planner looks at the whole state, never at what happened: missing an event cannot make it miss work. Planning
//! is pure; [`run`] is the loop around it.
//!
//! Placing partitions is not here: [`tidemill_metadata::apply`] places them while a topic is created or grows, so that
//! a client that was told "created" can produce at once.

use std::collections::{BTreeMap, BTreeSet};

use tidemill_metadata::{Command, Image};
use tidemill_resource::ModuleDigest;
use uuid::Uuid;

use crate::live::{Live, PartitionFacts};
use crate::modules::Modules;

mod deletion;
mod module;
mod runner;
mod topic;
mod view;

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
    /// Versions of SmartModules whose wasm is here.
    pub modules: BTreeSet<ModuleDigest>,
    /// Topics and views, by id, whose transforms failed, and why.
    pub chains_failed: BTreeMap<Uuid, String>,
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// When this server began to look.
    pub since_ms: i64,
}

impl Observed {
    /// Looks at every partition, module and view of the image.
    pub fn look(image: &Image, live: &dyn Live, modules: &Modules) -> Self {
        let mut partitions = BTreeMap::new();
        for topic in image.topics() {
            for index in 0..topic.partition_count() {
                if let Some(facts) = live.partition(topic.id, index) {
                    partitions.insert((topic.id, index), facts);
                }
            }
        }
        let versions = image.smart_modules().flat_map(|module| module.versions.iter());
        let modules = versions
            .map(|version| version.digest)
            .filter(|digest| modules.has(*digest))
            .collect();
        let chained = image.topics().filter(|topic| !topic.ingest.is_empty());
        let chained = chained
            .map(|topic| topic.id)
            .chain(image.views().map(|view| view.id));
        let chains_failed = chained
            .filter_map(|id| Some((id, live.chain_failure(id)?)))
            .collect();
        let deleting = image.deletions().next().is_some();
        let topics_on_disk = if deleting {
            live.topics_on_disk()
        } else {
            BTreeSet::new()
        };
        Self {
            partitions,
            topics_on_disk,
            modules,
            chains_failed,
            now_ms: 0,
            since_ms: 0,
        }
    }

    /// The same, at a time: `now_ms` and when this server began to look, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(self, now_ms: i64, since_ms: i64) -> Self {
        Self {
            now_ms,
            since_ms,
            ..self
        }
    }
}

/// Everything there is to do, by all planners.
pub fn plan(image: &Image, observed: &Observed) -> Vec<Command> {
    let mut commands = topic::plan(image, observed);
    commands.extend(module::plan(image, observed));
    commands.extend(view::plan(image, observed));
    commands.extend(deletion::plan(image, observed));
    commands
}
