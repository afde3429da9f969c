//! The envelope shared by all kinds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kind::Kind;
use crate::meta::ObjectMeta;

/// The `apiVersion` of every object.
pub const API_VERSION: &str = "tidemill.dev/v1";

/// What makes a type the `spec` of a kind.
pub trait Spec {
    /// The kind it specifies.
    const KIND: Kind;
    /// What is observed of an object of the kind.
    type Status;
}

/// One object: what is wanted (`spec`) and what is (`status`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    bound(
        serialize = "S: Serialize, S::Status: Serialize",
        deserialize = "S: Deserialize<'de>, S::Status: Deserialize<'de>"
    )
)]
#[schema(bound = "S: ToSchema, S::Status: ToSchema")]
pub struct Object<S: Spec> {
    /// Always [`API_VERSION`].
    #[schema(example = "tidemill.dev/v1")]
    pub api_version: String,
    /// The kind of `spec`.
    pub kind: Kind,
    /// Identity and bookkeeping.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: S,
    /// What is. Kept by the server; ignored in what users send.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub status: Option<S::Status>,
}

/// `#[serde(default)]` would ask for `S: Default`.
fn none<T>() -> Option<T> {
    None
}

impl<S: Spec> Object<S> {
    /// An object without a status.
    pub fn new(metadata: ObjectMeta, spec: S) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: S::KIND,
            metadata,
            spec,
            status: None,
        }
    }

    /// The same object with a status.
    #[must_use]
    pub fn with_status(mut self, status: S::Status) -> Self {
        self.status = Some(status);
        self
    }
}
