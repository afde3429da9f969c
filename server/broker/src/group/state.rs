//! One group: its protocol's state machine and its offsets.

use super::classic::{self, ClassicGroup};
use super::config::{GroupConfig, MigrationPolicy};
use super::consumer::{self, ConsumerGroup};
use super::offsets::Offsets;
use super::records::{Key, Record};

/// By which protocol a group lives.
pub(crate) enum Kind {
    Classic(Box<ClassicGroup>),
    Consumer(Box<ConsumerGroup>),
}

/// A group.
pub(crate) struct Group {
    pub(crate) kind: Kind,
    pub(crate) offsets: Offsets,
    /// The journal's number of the last record written for it.
    pub(crate) last_write: u64,
    /// When the ticker looks at it next.
    pub(crate) scheduled: Option<u64>,
    /// Whether the log has a record of the group itself.
    pub(crate) stored: bool,
    /// Since when it has been seen without members, ms since the epoch.
    pub(crate) empty_since_ms: Option<i64>,
}

impl Group {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            offsets: Offsets::default(),
            last_write: 0,
            scheduled: None,
            stored: false,
            empty_since_ms: None,
        }
    }

    pub(crate) fn classic(config: &GroupConfig) -> Self {
        Self::new(Kind::Classic(Box::new(ClassicGroup::new(classic_limits(config)))))
    }

    pub(crate) fn consumer(id: &str, config: &GroupConfig) -> Self {
        Self::new(Kind::Consumer(Box::new(ConsumerGroup::new(
            id.to_owned(),
            consumer_limits(config),
        ))))
    }

    /// No members.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_empty(),
            Kind::Consumer(group) => group.is_empty(),
        }
    }

    /// Nothing that anyone could miss.
    pub(crate) fn is_forgettable(&self) -> bool {
        let idle = match &self.kind {
            Kind::Classic(group) => group.is_idle(),
            Kind::Consumer(group) => group.is_empty(),
        };
        idle && self.offsets.is_empty()
    }

    pub(crate) fn state_name(&self) -> &'static str {
        match &self.kind {
            Kind::Classic(group) => group.state_name(),
            Kind::Consumer(group) => group.state_name(),
        }
    }

    /// Kafka's name of the group's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Classic(_) => "classic",
            Kind::Consumer(_) => "consumer",
        }
    }

    pub(crate) fn protocol_type(&self) -> &str {
        match &self.kind {
            Kind::Classic(group) => group.protocol_type(),
            Kind::Consumer(_) => "consumer",
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        match &self.kind {
            Kind::Classic(group) => group.next_deadline(),
            Kind::Consumer(group) => group.next_deadline(),
        }
    }

    /// Tombstones for the group itself, its offsets apart.
    pub(crate) fn tombstones(&self, id: &str, out: &mut Vec<Record>) {
        if !self.stored {
            return;
        }
        match &self.kind {
            Kind::Classic(_) => out.push(Record::tombstone(Key::Classic { group: id.to_owned() })),
            Kind::Consumer(group) => group.tombstones(out),
        }
    }
}

pub(crate) fn classic_limits(config: &GroupConfig) -> classic::Limits {
    classic::Limits {
        initial_delay_ms: config.initial_rebalance_delay_ms,
        max_members: config.max_members,
        max_bytes: config.max_group_bytes,
    }
}

pub(crate) fn consumer_limits(config: &GroupConfig) -> consumer::Limits {
    consumer::Limits {
        session_timeout_ms: config.consumer_session_timeout_ms,
        heartbeat_interval_ms: config.consumer_heartbeat_interval_ms,
        max_members: config.max_members,
        max_bytes: config.max_group_bytes,
        takes_classic: config.migration_policy != MigrationPolicy::Disabled,
        downgrade: config
            .migration_policy
            .downgrades()
            .then(|| classic_limits(config)),
    }
}
