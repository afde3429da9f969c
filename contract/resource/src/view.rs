//! The `View` object.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::condition::Condition;
use crate::kind::Kind;
use crate::module_kind::TransformPlace;
use crate::name::check_topic_name;
use crate::object::{Object, Spec};
use crate::span::TimeSpan;
use crate::strict::FieldError;
use crate::transform::{AttachedModule, Transform, check_transforms};

/// A virtual, read-only topic: a source and what is done to its records on the way to a reader. Nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewSpec {
    /// The topic or view that it reads.
    pub source: String,
    /// What is done to each record, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
    /// Whose it is, for people: what made a view with a lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The view goes away when it was not renewed for so long: `10s` to `7d`. It stays when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1m")]
    pub lease: Option<TimeSpan>,
}

const SHORTEST_LEASE_MS: i64 = 10_000;
const LONGEST_LEASE_MS: i64 = 7 * 86_400_000;

impl ViewSpec {
    /// Where its transforms run.
    pub fn place(&self) -> TransformPlace {
        if self.lease.is_some() {
            TransformPlace::Session
        } else {
            TransformPlace::View
        }
    }

    /// Checks all that can be known without its source and modules.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), FieldError> {
        check_topic_name(&self.source).map_err(|message| FieldError::new("spec.source", message))?;
        if self.owner.as_ref().is_some_and(|owner| owner.len() > 256) {
            return Err(FieldError::new(
                "spec.owner",
                "it is longer than 256 bytes: write less",
            ));
        }
        if let Some(lease) = self.lease
            && !(SHORTEST_LEASE_MS..=LONGEST_LEASE_MS).contains(&lease.ms())
        {
            let message =
                format!("`{lease}` is out of range: use 10s to 7d, or leave it out for a view that stays");
            return Err(FieldError::new("spec.lease", message));
        }
        check_transforms(&self.transforms, "spec.transforms")
    }
}

/// What is known of a view.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewStatus {
    /// The `metadata.generation` that this status was made from.
    pub observed_generation: u64,
    /// The topic that its records are stored in.
    pub source_topic: String,
    /// Partitions of that topic.
    pub partitions: u32,
    /// All that is done to a record, those of the views it reads included.
    #[serde(default)]
    pub transforms: Vec<AttachedModule>,
    /// Views that read it: `View/errors`.
    #[serde(default)]
    pub used_by: Vec<String>,
    /// `Ready` says whether it gives records.
    pub conditions: Vec<Condition>,
}

impl Spec for ViewSpec {
    const KIND: Kind = Kind::View;
    type Status = ViewStatus;
}

/// A view as an object. `metadata.uid` is the Kafka topic id that it has for clients.
pub type View = Object<ViewSpec>;
