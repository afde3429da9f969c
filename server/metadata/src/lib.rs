//! The cluster's metadata: which topics, SmartModules, views and brokers there are, as one immutable [`Image`] and the [`Command`]s that
//! change it.
//!
//! `image + command -> image` is the pure function [`apply`]. Kafka's `CreateTopics` and the REST API's `PUT` make
//! the same command; both propose it through [`Metadata`] and read the same image.
//!
//! # Invariants
//! - [`apply`] is deterministic: ids and times come in the command, nothing is read from outside.
//! - A refused command changes nothing; a [`Command::Batch`] is applied whole or not at all.
//! - A topic is its id. A name may be used again at once after a deletion; nothing of the old topic is left in the
//!   new one. The ids of deleted topics are kept in [`Image::deletions`] until their data is gone, and data
//!   may be removed only for ids listed there.
//! - Topics and views share one space of names and ids: for Kafka's clients both are topics.
//! - Every transform in an image is resolved to one version of a module that fits its place and takes its parameters.
//! - Cloning an image costs a few reference counts, whatever its size.
//! - Commands and snapshots are extended, never changed: new fields have defaults, so old logs stay readable.
//!
//! # Must not know
//! IO, clocks, the Kafka wire protocol, consensus: how commands are ordered and kept is behind [`Propose`].

#![warn(missing_docs)]

mod apply;
mod command;
mod event;
mod image;
mod module_image;
mod placement;
mod propose;
mod rejection;
mod snapshot;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod topic_image;
mod view_image;

pub use apply::apply;
pub use command::{Command, ConfigChange, ConfigOp, TopicKey};
pub use event::{Change, Event, EventObject, Gone};
pub use image::{BrokerImage, Deletion, Image};
pub use module_image::SmartModuleImage;
pub use propose::{Metadata, Propose, ProposeError, Proposed, Reply};
pub use rejection::{Reason, Rejection};
pub use tidemill_resource::Endpoint;
pub use topic_image::{PartitionImage, TopicImage};
pub use view_image::{ResolvedTransform, ViewImage};

/// Topics that belong to the server. Users can read, but not create, alter or delete them.
pub const INTERNAL_TOPICS: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// Versions of a SmartModule that are kept beside those in use.
pub const KEPT_VERSIONS: usize = 16;

/// Most partitions of one topic.
pub const MAX_PARTITIONS: u32 = 10_000;
