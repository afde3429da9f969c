//! A SmartModule as the metadata knows it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidemill_resource::{
    Condition, ModuleDigest, ModuleVersion, ObjectMeta, SmartModule, SmartModuleSpec, SmartModuleStatus,
};
use uuid::Uuid;

/// A SmartModule as the metadata knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SmartModuleImage {
    /// Its identity.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Labels, annotations, generation, resource version.
    pub meta: ObjectMeta,
    /// How it may run.
    pub spec: SmartModuleSpec,
    /// Its versions, the one loaded last at the end.
    #[serde(default)]
    pub versions: Vec<Arc<ModuleVersion>>,
    /// What used it when the reconciler last looked.
    #[serde(default)]
    pub used_by: Vec<String>,
    /// What was true of it when the reconciler last looked.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

impl SmartModuleImage {
    /// The current version: the one that the spec names, else the one loaded last. `None` while there is none.
    pub fn current(&self) -> Option<&Arc<ModuleVersion>> {
        match &self.spec.version {
            Some(prefix) => self.matching(prefix).next(),
            None => self.versions.last(),
        }
    }

    /// The versions whose digests begin so.
    pub fn matching<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<ModuleVersion>> {
        self.versions
            .iter()
            .filter(move |version| version.digest.starts_with(prefix))
    }

    /// The version of this digest.
    pub fn version(&self, digest: ModuleDigest) -> Option<&Arc<ModuleVersion>> {
        self.versions.iter().find(|version| version.digest == digest)
    }

    /// The SmartModule as users see it.
    pub fn object(&self) -> SmartModule {
        let status = SmartModuleStatus {
            observed_generation: self.meta.generation,
            current: self.current().map(|version| ModuleVersion::clone(version)),
            versions: self
                .versions
                .iter()
                .rev()
                .map(|version| version.summary())
                .collect(),
            used_by: self.used_by.clone(),
            conditions: self.told_conditions(),
        };
        SmartModule::new(self.meta.clone(), self.spec.clone()).with_status(status)
    }

    fn told_conditions(&self) -> Vec<Condition> {
        let generation = self.meta.generation;
        if self.versions.is_empty() {
            let message = format!(
                "no wasm was loaded yet: load it with `tidemill smartmodule load {} FILE`",
                self.name
            );
            return vec![Condition::ready(false, "NoWasm", message, generation)];
        }
        if self.conditions.is_empty() {
            let message = "nobody has looked at it yet".to_owned();
            return vec![Condition::ready(false, "Loading", message, generation)];
        }
        self.conditions.clone()
    }
}
