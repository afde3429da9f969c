//! SmartModules: says what uses each, and whether its wasm is here.

use std::collections::BTreeMap;

use tidemill_metadata::{Command, Image, SmartModuleImage};
use tidemill_resource::Condition;

use super::Observed;

/// Records the status of every SmartModule whose status is not what is seen.
pub(super) fn plan(image: &Image, observed: &Observed) -> Vec<Command> {
    let users = users(image);
    let stale = image.smart_modules().filter_map(|module| {
        let used_by = users.get(module.name.as_str()).cloned().unwrap_or_default();
        let conditions = conditions(module, observed);
        (used_by != module.used_by || conditions != module.conditions).then(|| {
            Command::SetSmartModuleStatus {
                id: module.id,
                used_by,
                conditions,
            }
        })
    });
    stale.collect()
}

/// What uses each SmartModule. One look at everything serves all of them.
fn users(image: &Image) -> BTreeMap<&str, Vec<String>> {
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut add = |module: &'_ str, user: String| {
        let Some(module) = image.smart_module(module) else {
            return;
        };
        let users = users.entry(module.name.as_str()).or_default();
        if users.last() != Some(&user) {
            users.push(user);
        }
    };
    for topic in image.topics() {
        for transform in topic.ingest.iter() {
            add(&transform.module, format!("Topic/{}", topic.name));
        }
    }
    for view in image.views() {
        for transform in &view.spec.transforms {
            add(&transform.module, format!("View/{}", view.name));
        }
    }
    for users in users.values_mut() {
        users.sort();
        users.dedup();
    }
    users
}

fn conditions(module: &SmartModuleImage, observed: &Observed) -> Vec<Condition> {
    let generation = module.meta.generation;
    let Some(current) = module.current() else {
        // The object says so by itself.
        return Vec::new();
    };
    let missing = module
        .versions
        .iter()
        .rev()
        .find(|version| !observed.modules.contains(&version.digest));
    vec![match missing {
        None => {
            let message = format!("version {} can be attached", current.digest.short());
            Condition::ready(true, "Loaded", message, generation)
        }
        Some(version) => {
            let message = format!(
                "the wasm of version {} is not on this server: load it again",
                version.digest.short()
            );
            Condition::ready(false, "WasmMissing", message, generation)
        }
    }]
}
