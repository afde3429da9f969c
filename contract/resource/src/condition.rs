//! Conditions: what is true of an object right now, in the shape Kubernetes uses.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows.
    Unknown,
}

/// One fact about an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// What the condition is about, such as `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// One CamelCase word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// The `metadata.generation` that was looked at.
    pub observed_generation: u64,
}

impl Condition {
    /// The name of the condition that says an object serves its purpose.
    pub const READY: &'static str = "Ready";

    /// A `Ready` condition.
    pub fn ready(holds: bool, reason: &str, message: String, observed_generation: u64) -> Self {
        let status = if holds {
            ConditionStatus::True
        } else {
            ConditionStatus::False
        };
        Self {
            kind: Self::READY.to_owned(),
            status,
            reason: reason.to_owned(),
            message,
            observed_generation,
        }
    }
}
