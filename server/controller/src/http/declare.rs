//! From what a user declares to the command that makes it so, with the exact difference.

use serde_json::{Value, json};
use tidemill_env::Env;
use tidemill_metadata::{Command, Image, TopicKey};
use tidemill_resource::Topic;
use tidemill_resource::diff::{Change, declared, diff};
use utoipa::ToSchema;
use uuid::Uuid;

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// It is new.
    Created,
    /// It changes.
    Updated,
    /// It is so already.
    Unchanged,
}

/// What is to be done for one object.
pub(super) struct Declaration {
    pub(super) action: Action,
    pub(super) changes: Vec<Change>,
    /// The command; for an unchanged object too, so that its preconditions are checked.
    pub(super) command: Command,
}

/// Compares a topic with what is there.
///
/// `seen` is the resource version that the caller has seen, if it is to be checked.
pub(super) fn topic(image: &Image, env: &Env, wanted: &Topic, seen: Option<u64>) -> Declaration {
    let after = declared(&wanted.metadata, &wanted.spec);
    let name = wanted.metadata.name.clone();
    let Some(current) = image.topic(&name) else {
        let nothing: Value = json!({"metadata": {}, "spec": {}});
        return Declaration {
            action: Action::Created,
            changes: diff(&nothing, &after),
            command: Command::CreateTopic {
                name,
                id: Uuid::from_bytes(env.random.uuid_bytes()),
                spec: wanted.spec.clone(),
                labels: wanted.metadata.labels.clone(),
                annotations: wanted.metadata.annotations.clone(),
                assignments: None,
                internal: false,
                at_ms: env.clock.wall_ms(),
            },
        };
    };
    let changes = diff(&declared(&current.meta, &current.spec), &after);
    Declaration {
        action: if changes.is_empty() {
            Action::Unchanged
        } else {
            Action::Updated
        },
        changes,
        command: Command::UpdateTopic {
            topic: TopicKey {
                name,
                id: Some(current.id),
                version: seen,
            },
            spec: wanted.spec.clone(),
            labels: wanted.metadata.labels.clone(),
            annotations: wanted.metadata.annotations.clone(),
        },
    }
}
