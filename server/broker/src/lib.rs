//! The Kafka side of a broker: connections, requests, local partitions.
//!
//! **Purpose.** [`net`] takes connections and cuts them into requests; [`api`] answers each, one file an
//! API; [`host`] keeps the partitions that the metadata puts on this broker open. Changes to the cluster
//! are proposed to the metadata, as the control plane does.
//!
//! **Invariants.** Responses go out in request order. A hostile or slow peer costs its own connection and
//! bounded memory. Records that are answered as stored are committed at their topic's durability.
//!
//! **Must not know.** The controller, HTTP, how metadata is replicated.

pub mod api;
mod broker;
pub mod compaction;
mod config;
mod errors;
pub mod group;
pub mod host;
mod lag;
pub mod metrics;
pub mod net;
mod session;
mod settings;
pub mod transforms;
mod visible;

pub use broker::{Broker, Shared};
pub use config::{BrokerConfig, CompactionConfig};
pub use lag::GroupPosition;
