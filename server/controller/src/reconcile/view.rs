//! Views: says whether they give records, and ends those whose lease has run out.

use std::collections::BTreeMap;

use tidemill_metadata::{Command, Image, ViewImage};
use tidemill_resource::{Condition, ViewStatus};

use super::Observed;

/// Ends every view whose lease has run out, and records the status of every other whose status is not what is seen.
pub(super) fn plan(image: &Image, observed: &Observed) -> Vec<Command> {
    let mut readers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for view in image.views() {
        let readers = readers.entry(view.spec.source.as_str()).or_default();
        readers.push(format!("View/{}", view.name));
    }
    let mut commands = Vec::new();
    for view in image.views() {
        let used_by = readers.get(view.name.as_str()).cloned().unwrap_or_default();
        if ends_at(view, observed).is_some_and(|end| end <= observed.now_ms) && used_by.is_empty() {
            commands.push(Command::ExpireView {
                id: view.id,
                renewed_at_ms: view.renewed_at_ms,
            });
            continue;
        }
        let status = status(image, view, used_by, observed);
        if status != view.status {
            commands.push(Command::SetViewStatus { id: view.id, status });
        }
    }
    commands
}

/// When the next lease runs out, in milliseconds since the Unix epoch.
pub(super) fn next_end(image: &Image, observed: &Observed) -> Option<i64> {
    image.views().filter_map(|view| ends_at(view, observed)).min()
}

/// When a view's lease runs out. While the server was down nobody could renew it: the time counts from its start.
fn ends_at(view: &ViewImage, observed: &Observed) -> Option<i64> {
    let lease = view.spec.lease?;
    Some(
        view.renewed_at_ms
            .max(observed.since_ms)
            .saturating_add(lease.ms()),
    )
}

fn status(image: &Image, view: &ViewImage, used_by: Vec<String>, observed: &Observed) -> ViewStatus {
    let generation = view.meta.generation;
    let source = image.topic_by_id(view.source_id);
    let partitions = source.map_or(0, |topic| topic.partition_count());
    let open = (0..partitions).filter(|index| {
        let facts = observed.partitions.get(&(view.source_id, *index));
        facts.is_some_and(|facts| facts.failed.is_none())
    });
    let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
    let ready = if let Some(reason) = observed.chains_failed.get(&view.id) {
        Condition::ready(false, "TransformFailed", reason.clone(), generation)
    } else if let Some(missing) = view
        .chain
        .iter()
        .find(|step| !observed.modules.contains(&step.digest))
    {
        let message = format!(
            "the wasm of SmartModule `{}` version {} is not on this server: load it again",
            missing.module,
            missing.digest.short()
        );
        Condition::ready(false, "WasmMissing", message, generation)
    } else if open < partitions || partitions == 0 {
        let message = format!(
            "{open} of {partitions} partitions of topic `{}` are open",
            view.source_topic
        );
        Condition::ready(false, "SourceNotReady", message, generation)
    } else {
        let message = format!("all {partitions} partitions can be read");
        Condition::ready(true, "Serving", message, generation)
    };
    ViewStatus {
        observed_generation: generation,
        source_topic: view.source_topic.clone(),
        partitions,
        // The object has them from the chain itself.
        transforms: Vec::new(),
        used_by,
        conditions: vec![ready],
    }
}
