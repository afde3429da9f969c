//! The declarative objects of Tidemill: topics, SmartModules, views, brokers, partitions and consumer groups as
//! documents.
//!
//! One definition serves all sides: the same YAML goes through `tidemill apply -f`, the REST API, the
//! clients and (in shape) a Kubernetes custom resource. The crate holds
//!
//! - the objects themselves ([`Object`], [`TopicSpec`], ...), with human units that parse and print
//!   ([`TimeSpan`], [`ByteSize`]);
//! - [`document`]: reading many documents, strictly, with errors that name document, field and mend;
//! - [`diff`]: the exact field-level difference that `plan` shows;
//! - [`topic_config`]: the one table of Kafka topic configs, and its mapping to and from [`TopicSpec`].
//!
//! # Invariants
//! - A spec and its Kafka configs say the same thing: `TopicSpec -> configs -> TopicSpec` is the identity.
//! - An unknown field is refused, never dropped.
//! - Reading what was printed gives an equal value.
//!
//! # Must not know
//! IO, time, the wire, how objects are stored or driven to their spec.

#![deny(missing_docs)]

mod bytesize;
mod condition;
pub mod diff;
mod digest;
pub mod document;
mod kind;
mod limit;
mod meta;
mod module_kind;
mod module_param;
mod name;
mod object;
mod observed;
mod smart_module;
mod span;
mod strict;
mod suggest;
mod text;
mod topic;
pub mod topic_config;
mod topic_mapping;
mod topic_settings;
mod transform;
mod view;

pub use bytesize::ByteSize;
pub use condition::{Condition, ConditionStatus};
pub use digest::{ModuleDigest, check_digest_prefix};
pub use kind::Kind;
pub use limit::Limit;
pub use meta::{ObjectMeta, ResourceVersion};
pub use module_kind::{ModuleCarrier, ModuleKind, TransformPlace};
pub use module_param::{ModuleParam, ModuleParamType, ParamError, resolve_params};
pub use name::{check_annotations, check_label, check_module_name, check_topic_name};
pub use object::{API_VERSION, Object, Spec};
pub use observed::{
    Broker, BrokerSpec, BrokerStatus, ConsumerGroup, ConsumerGroupSpec, ConsumerGroupStatus, Endpoint,
    GroupMember, GroupOffset, Partition, PartitionSpec, PartitionStatus,
};
pub use smart_module::{
    ModuleGrants, ModuleLimits, ModuleVersion, ModuleVersionSummary, SmartModule, SmartModuleSpec,
    SmartModuleStatus,
};
pub use span::TimeSpan;
pub use strict::{FieldError, from_value};
pub use suggest::nearest;
pub use topic::{
    Cleanup, Compression, Flush, Retention, Segment, TimestampType, Topic, TopicSpec, TopicStatus,
};
pub use topic_config::{ConfigError, TopicConfig};
pub use transform::{
    AttachedModule, Dedup, DedupBy, Ingest, LookBack, LookBackFields, MAX_TRANSFORMS, OnError, Transform,
    check_transforms,
};
pub use view::{View, ViewSpec, ViewStatus};
