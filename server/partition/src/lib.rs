//! A partition as this node hosts it: append, fetch, high watermark, producer state.
//!
//! **Purpose.** Between the broker, which knows protocols, and the replicator, which knows copies:
//! [`Partition::append`] checks batches (shape, size, timestamps, producer sequences) and orders them;
//! [`Partition::fetch`] gives stored bytes below the high watermark; [`FetchWaiter`] wakes a long poll
//! when there is more. [`Partitions`] is the set hosted here.
//!
//! **Invariants.** Nothing malformed reaches the log. A batch of an idempotent producer is stored once,
//! in sequence, across restarts. A reader sees only committed records.
//!
//! **Must not know.** Kafka requests, sessions, metadata commands, HTTP.

mod append;
mod compact;
mod config;
mod dedup;
mod error;
mod fetch;
mod host;
mod ingest;
mod partition;
mod producer;
mod validate;
mod wait;

pub use append::Accepted;
pub use config::{Dedup, DedupBy, PartitionConfig, TimestampType};
pub use error::{AppendError, FetchError, IngestError, OpenError};
pub use fetch::Fetched;
pub use host::{PartitionId, Partitions};
pub use ingest::{Ingest, Ingested};
pub use partition::{Offsets, Partition, PartitionHooks, PartitionSpec};
pub use producer::ProducerInfo;
pub use tidemill_raft::{Commit, FlushPolicy, ReplicateError};
pub use tidemill_storage::{Compaction, Dirtiness, Found, TimestampOffset};
pub use wait::FetchWaiter;
