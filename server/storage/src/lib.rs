//! The log of one partition: record batches on disk, found by offset and by time.
//!
//! **Purpose.** [`Log`] appends batches exactly as they were sent (base offset and leader epoch set),
//! reads them back, makes them durable on request, recovers after a crash, and removes or compacts
//! what is old. Files are Kafka's: `.log`, `.index`, `.timeindex`, named by base offset.
//!
//! **Invariants.** An offset is used once. What [`Log::sync`] covered survives a crash byte for byte.
//! After a failed write or sync the log takes nothing more. Readers never wait for writers, and
//! appends never wait for a sync.
//!
//! **Must not know.** Topics, producers, high watermarks, replication. All calls block; callers choose
//! the thread.
#![deny(missing_docs)]

mod cache;
mod checkpoint;
mod compaction;
mod config;
mod epochs;
mod error;
mod found;
mod index;
mod log;
mod patience;
mod recovery;
mod segment;
mod slices;
mod walk;

pub use cache::CacheBudget;
pub use compaction::{Compaction, CompactionOrder, Dirtiness};
pub use config::LogConfig;
pub use error::StorageError;
pub use found::{Found, Stored};
pub use log::{Appended, Log, LogOffsets, Maintenance, SegmentInfo, TimestampOffset};
pub use recovery::Recovery;
pub use slices::Slices;
