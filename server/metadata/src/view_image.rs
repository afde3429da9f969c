//! A view as the metadata knows it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidemill_resource::{
    AttachedModule, Condition, LookBack, ModuleDigest, ModuleGrants, ModuleLimits, ObjectMeta, OnError, View,
    ViewSpec, ViewStatus,
};
use uuid::Uuid;

/// A transform with everything that is needed to run it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedTransform {
    /// Name of the SmartModule.
    pub module: String,
    /// The version that runs.
    pub digest: ModuleDigest,
    /// Parameters: each of its type, defaults filled in.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// What happens to a record that the module fails.
    #[serde(default)]
    pub on_error: OnError,
    /// Which older records it sees first.
    #[serde(default)]
    pub look_back: Option<LookBack>,
    /// What it may take, where that is not the default.
    #[serde(default)]
    pub limits: ModuleLimits,
    /// What is let through the sandbox.
    #[serde(default)]
    pub grants: ModuleGrants,
}

impl ResolvedTransform {
    /// The module and its version.
    pub fn attached(&self) -> AttachedModule {
        AttachedModule {
            module: self.module.clone(),
            digest: self.digest,
        }
    }
}

/// A view as the metadata knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewImage {
    /// Its identity; for clients a topic id.
    pub id: Uuid,
    /// Its name; for clients that of a topic.
    pub name: String,
    /// Labels, annotations, generation, resource version.
    pub meta: ObjectMeta,
    /// What it shows.
    pub spec: ViewSpec,
    /// Id of the topic that its records are stored in.
    pub source_id: Uuid,
    /// Name of that topic.
    pub source_topic: String,
    /// All that is done to a record on the way out, in order: first by the views that this one reads.
    pub chain: Arc<Vec<ResolvedTransform>>,
    /// When it was last renewed, in milliseconds since the Unix epoch.
    pub renewed_at_ms: i64,
    /// What is known of it.
    #[serde(default)]
    pub status: ViewStatus,
}

impl ViewImage {
    /// Whether its own spec names the SmartModule.
    pub fn uses_module(&self, name: &str) -> bool {
        self.spec
            .transforms
            .iter()
            .any(|transform| transform.module == name)
    }

    /// When it goes away unless it is renewed, in milliseconds since the Unix epoch.
    pub fn expires_at_ms(&self) -> Option<i64> {
        let lease = self.spec.lease?;
        Some(self.renewed_at_ms.saturating_add(lease.ms()))
    }

    /// The view as users see it.
    pub fn object(&self) -> View {
        let mut status = self.status.clone();
        status.source_topic.clone_from(&self.source_topic);
        status.transforms = self.chain.iter().map(ResolvedTransform::attached).collect();
        if status.conditions.is_empty() {
            let message = "nobody has looked at it yet".to_owned();
            let ready = Condition::ready(false, "Opening", message, self.meta.generation);
            status.conditions.push(ready);
        }
        View::new(self.meta.clone(), self.spec.clone()).with_status(status)
    }
}
