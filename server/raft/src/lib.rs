//! Replication: the seam between an ordered log and the copies that make it safe.
//!
//! **Purpose.** [`Replicator`] orders record batches in a partition's log and says when they are
//! committed. [`SingleNode`] is the implementation for one copy: committed means as durable as the
//! topic's flush level asks. [`LocalGroup`] keeps a state machine (the cluster's metadata) by a log of
//! commands and a snapshot. A group that spans nodes stands behind the same two seams.
//!
//! **Invariants.** The high watermark never goes back; no offset at or above it is shown to a reader;
//! an offset is used once. A log whose write or fsync failed takes no more records.
//!
//! **Must not know.** Topics, producers, what a command means.
#![deny(missing_docs)]

mod commit;
mod flush;
mod group;
mod replicator;
mod single;
mod turn;

pub use commit::Commit;
pub use flush::FlushPolicy;
pub use group::{GroupError, LocalGroup, StateMachine};
pub use replicator::{Observer, Proposed, ReplicateError, Replicator};
pub use single::SingleNode;
