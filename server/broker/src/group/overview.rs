//! Looking at groups, and deleting them.

use bytes::Bytes;
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

use super::consumer::MemberView;
use super::coordinator::Coordinator;
use super::records::{CommittedOffset, TopicPartitions};
use super::shard::Shard;
use super::state::{Group, Kind};

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOverview {
    /// Group id.
    pub id: String,
    /// `classic` or `consumer`.
    pub group_type: &'static str,
    /// `consumer`, `connect`, or empty for a group that only has offsets.
    pub protocol_type: String,
    /// Kafka's name of the state.
    pub state: &'static str,
    /// Number of members.
    pub members: usize,
}

/// A group in full.
#[derive(Debug, Clone)]
pub struct GroupDescription {
    /// What a list shows.
    pub overview: GroupOverview,
    /// Assignor in use; empty when there is none.
    pub assignor: String,
    /// KIP-848: group epoch and epoch of the target assignment.
    pub epochs: Option<(i32, i32)>,
    /// Members, in the order of ids.
    pub members: Vec<MemberDescription>,
}

/// A member of a group.
#[derive(Debug, Clone)]
pub struct MemberDescription {
    /// Member id.
    pub id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Client id.
    pub client_id: String,
    /// Client address.
    pub client_host: String,
    /// What its protocol tells of it.
    pub detail: MemberDetail,
}

/// What the two protocols tell of a member.
#[derive(Debug, Clone)]
pub enum MemberDetail {
    /// Bytes that the clients understand (`ConsumerProtocolSubscription` and `...Assignment`).
    Classic {
        /// Metadata for the chosen protocol.
        metadata: Bytes,
        /// Assignment.
        assignment: Bytes,
    },
    /// What the server knows and decides.
    Consumer {
        /// It speaks the classic protocol all the same.
        classic: bool,
        /// Member epoch.
        epoch: i32,
        /// Rack.
        rack_id: Option<String>,
        /// Topics subscribed by name.
        topics: Vec<String>,
        /// Topics subscribed by expression.
        regex: Option<String>,
        /// Partitions by topic id that it owns.
        assigned: TopicPartitions,
        /// Partitions by topic id that it shall own.
        target: TopicPartitions,
    },
}

/// A committed offset and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOffset {
    /// Topic name.
    pub topic: String,
    /// Partition index.
    pub partition: i32,
    /// What was committed.
    pub committed: CommittedOffset,
}

fn overview(id: &str, group: &Group) -> GroupOverview {
    GroupOverview {
        id: id.to_owned(),
        group_type: group.type_name(),
        protocol_type: group.protocol_type().to_owned(),
        state: group.state_name(),
        members: match &group.kind {
            Kind::Classic(classic) => classic.member_count(),
            Kind::Consumer(consumer) => consumer.member_count(),
        },
    }
}

fn describe(id: &str, group: &Group) -> GroupDescription {
    let (assignor, epochs, members) = match &group.kind {
        Kind::Classic(classic) => {
            let member = |m: &super::classic::Member| MemberDescription {
                id: m.id.clone(),
                instance_id: m.instance_id.clone(),
                client_id: m.client_id.clone(),
                client_host: m.client_host.clone(),
                detail: MemberDetail::Classic {
                    metadata: classic.subscription_of(m),
                    // Until the group is stable the old assignment means nothing.
                    assignment: if classic.is_stable() {
                        m.assignment.clone()
                    } else {
                        Bytes::new()
                    },
                },
            };
            (
                classic.protocol().to_owned(),
                None,
                classic.members().map(member).collect(),
            )
        }
        Kind::Consumer(consumer) => {
            let epochs = Some((consumer.epoch(), consumer.target_epoch()));
            let members = consumer.member_views().into_iter().map(consumer_member).collect();
            (consumer.assignor_name().to_owned(), epochs, members)
        }
    };
    GroupDescription {
        overview: overview(id, group),
        assignor,
        epochs,
        members,
    }
}

fn consumer_member(view: MemberView) -> MemberDescription {
    MemberDescription {
        id: view.id,
        instance_id: view.about.instance_id,
        client_id: view.about.client_id,
        client_host: view.about.client_host,
        detail: MemberDetail::Consumer {
            classic: view.about.classic.is_some(),
            epoch: view.epoch,
            rack_id: view.about.rack_id,
            topics: view.about.topics.into_iter().collect(),
            regex: view.about.regex,
            assigned: view.assigned,
            target: view.target,
        },
    }
}

impl Coordinator {
    /// Every group that is served here, by id.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS` while some are still being read.
    pub fn groups_overview(&self) -> Result<Vec<GroupOverview>, ResponseError> {
        let mut all = Vec::new();
        for shard in self.shards().iter() {
            shard.with(|active| all.extend(active.groups.iter().map(|(id, group)| overview(id, group))))?;
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// The groups that can be told of now: those still being read are left out. For metrics, which must not vanish
    /// with one of them.
    #[must_use]
    pub fn groups_read(&self) -> Vec<GroupOverview> {
        let mut all = Vec::new();
        for shard in self.shards().iter() {
            // A shard that is still being read is passed over.
            let _ =
                shard.with(|active| all.extend(active.groups.iter().map(|(id, group)| overview(id, group))));
        }
        all
    }

    /// A group in full; `None` when there is none.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS` and the like: try again.
    pub fn describe(&self, group: &str) -> Result<Option<GroupDescription>, ResponseError> {
        self.shard(group)?
            .with(|active| active.groups.get(group).map(|state| describe(group, state)))
    }

    /// The committed offsets of a group, by topic and partition. `None` when there is no such group.
    ///
    /// # Errors
    /// As [`Coordinator::describe`].
    pub fn offsets(&self, group: &str) -> Result<Option<Vec<PartitionOffset>>, ResponseError> {
        let list = |state: &Group| {
            let all = state.offsets.iter();
            all.map(|(topic, partition, committed)| PartitionOffset {
                topic: topic.to_owned(),
                partition,
                committed: committed.clone(),
            })
            .collect()
        };
        self.shard(group)?
            .with(|active| active.groups.get(group).map(list))
    }

    /// Deletes an empty group and its offsets; completes when that is stored.
    ///
    /// # Errors
    /// `NON_EMPTY_GROUP`, `GROUP_ID_NOT_FOUND`, and errors by which to try again.
    pub async fn delete_group(&self, group: &str) -> Result<(), ResponseError> {
        let ticket = self.glance_with_room(group, |active, _| {
            let state = active.groups.get(group).ok_or(ResponseError::GroupIdNotFound)?;
            if !state.is_empty() {
                return Err(ResponseError::NonEmptyGroup);
            }
            active.delete(group).ok_or(ResponseError::GroupIdNotFound)
        })?;
        ticket.committed().await
    }

    /// The name of a topic id, for descriptions.
    pub(crate) fn topic_name(&self, id: Uuid) -> Option<String> {
        self.topics.current().name_of(id)
    }

    /// Number of groups on each served shard; for metrics.
    #[must_use]
    pub fn group_count(&self) -> usize {
        let count = |shard: &std::sync::Arc<Shard>| shard.with(|active| active.groups.len()).unwrap_or(0);
        self.shards().iter().map(count).sum()
    }
}
