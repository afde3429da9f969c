//! Settings of the group coordinator. Names in the docs are Kafka's broker settings.

/// Limits and times of the group coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupConfig {
    /// `offsets.topic.num.partitions`: partitions of `__consumer_offsets` when it is made. Default 8.
    pub offsets_partitions: i32,
    /// `offsets.topic.segment.bytes`: segments of that topic when it is made; closed ones are compacted.
    /// Default 100 MiB, as Kafka.
    pub offsets_segment_bytes: u64,
    /// `offsets.topic.replication.factor`. Default 1.
    pub offsets_replication: i16,
    /// `group.initial.rebalance.delay.ms`: how long the first join of an empty group waits for more
    /// members, so that a fleet that starts together rebalances once. Kafka waits 3 s; here 150 ms,
    /// lengthened by the same as long as members keep coming. Less is too soon for clients that learn of
    /// their topics 100 ms after their start (kafka-python): a leader then assigns nothing, and rebalances
    /// at once, which that client does not always survive.
    pub initial_rebalance_delay_ms: u64,
    /// `group.min.session.timeout.ms`. Default 6 s, as Kafka.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`. Default 30 min, as Kafka.
    pub max_session_timeout_ms: i32,
    /// `group.max.size`: members of one group. Default 10,000.
    pub max_members: usize,
    /// What the members of one group may say of themselves and be assigned, in bytes: subscriptions,
    /// metadata, ids, assignments. Default 32 MiB; a group is stored in one record, so never more than
    /// a batch of the offsets topic holds (64 MiB).
    pub max_group_bytes: usize,
    /// The same for one member. Default 1 MiB.
    pub max_member_bytes: usize,
    /// Groups that one coordinator partition holds before new ones are refused. Default 100,000.
    pub max_groups_per_partition: usize,
    /// `group.consumer.session.timeout.ms` of KIP-848 groups. Default 45 s.
    pub consumer_session_timeout_ms: u64,
    /// `group.consumer.heartbeat.interval.ms` of KIP-848 groups. Default 5 s.
    pub consumer_heartbeat_interval_ms: i32,
    /// `group.consumer.migration.policy`: which way groups go over while they have members. Default both, as
    /// Kafka.
    pub migration_policy: MigrationPolicy,
    /// `offset.metadata.max.bytes`: longest text committed with an offset. Default 4096.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in ms: how long an empty group's offsets stay. Default 7 days.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`. Default 10 min.
    pub retention_check_interval_ms: u64,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            offsets_partitions: 8,
            offsets_segment_bytes: 100 << 20,
            offsets_replication: 1,
            initial_rebalance_delay_ms: 150,
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            max_members: 10_000,
            max_group_bytes: 32 << 20,
            max_member_bytes: 1 << 20,
            max_groups_per_partition: 100_000,
            consumer_session_timeout_ms: 45_000,
            consumer_heartbeat_interval_ms: 5_000,
            migration_policy: MigrationPolicy::Bidirectional,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 7 * 24 * 3_600_000,
            retention_check_interval_ms: 600_000,
        }
    }
}

/// Which way groups go over from one protocol to the other while they have members (KIP-848).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MigrationPolicy {
    /// Neither way: members of both protocols cannot be in one group.
    Disabled,
    /// A classic group becomes a consumer group when a member joins by the new protocol.
    Upgrade,
    /// A consumer group becomes classic when the last member leaves that is not.
    Downgrade,
    /// Both.
    #[default]
    Bidirectional,
}

impl MigrationPolicy {
    /// Kafka's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Bidirectional => "bidirectional",
        }
    }
}
