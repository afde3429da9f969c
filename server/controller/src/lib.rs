//! The control plane of a broker: reconcilers that drive the cluster to what its objects say, and the REST API.
//!
//! - [`reconcile`]: one pure planner per kind, `plan(&Image, &Observed) -> Vec<Command>`, and the loop that runs them;
//! - [`http`]: REST with watch, ETags and problem documents, OpenAPI, metrics and health;
//! - [`live`]: the facts that are asked for when needed and never stored (watermarks, lag, readiness).
//! - [`modules`]: the wasm of SmartModules, behind a seam;
//! - [`cluster`]: the metadata on this node's disk.
//!
//! # Invariants
//! - Planners are level-triggered: from any observed state they converge, and then plan nothing.
//! - Every change goes through [`tidemill_metadata`]; nothing here keeps state of its own.
//! - A request is applied whole or not at all, and a refusal names the field and the mend.
//!
//! # Must not know
//! The Kafka protocol, the log's format, how partitions are served: it asks [`live::Live`].

#![warn(missing_docs)]

pub mod cluster;
pub mod http;
pub mod live;
pub mod modules;
mod project;
pub mod reconcile;
