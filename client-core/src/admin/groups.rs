//! Consumer groups.

use std::sync::Arc;

use tidemill_wire::consumer_protocol::decode_assignment;
use tidemill_wire::kafka::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use tidemill_wire::kafka::messages::{
    ApiKey, ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest,
    OffsetDeleteRequest,
};

use super::topics::{Topics, check, left_out};
use crate::cluster::{
    Cluster, Committed, EARLIEST, LATEST, Member, OffsetQuery, group_id, nearest, topic_name,
};
use crate::connection::Connection;
use crate::consumer::Start;
use crate::error::{Error, ErrorKind, Result};

/// Operations on consumer groups. Made by [`crate::Client::groups`].
#[derive(Clone)]
pub struct Groups {
    cluster: Arc<Cluster>,
}

/// A partition by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
}

/// A partition and an offset in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPartitionOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// One line of a list of groups.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupSummary {
    /// The group's id.
    pub group_id: String,
    /// `consumer`, or what else uses the group protocol.
    pub protocol_type: String,
    /// `Stable`, `Empty` and so on; empty if the server does not tell.
    pub state: String,
    /// `classic` or `consumer` (KIP-848); empty if the server does not tell.
    pub kind: String,
}

/// A group and its members.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupDescription {
    /// The group's id.
    pub group_id: String,
    /// `Stable`, `Empty`, `PreparingRebalance` and so on.
    pub state: String,
    /// `classic` or `consumer` (KIP-848).
    pub kind: String,
    /// How partitions are assigned: the assignor's name; empty while there are no members.
    pub protocol: String,
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// One member of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupMember {
    /// Its id, given by the coordinator.
    pub member_id: String,
    /// Its fixed name, if it is a static member.
    pub instance_id: Option<String>,
    /// What its client calls itself.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it reads.
    pub assignment: Vec<TopicPartition>,
}

/// How far a group has read one partition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The committed offset: the next to be read.
    pub committed: i64,
    /// The first offset there is; -1 if the partition is gone.
    pub log_start: i64,
    /// The end of the partition; -1 if the partition is gone.
    pub end: i64,
    /// Records not read yet, if the partition is there.
    pub lag: Option<i64>,
    /// What was committed with the offset.
    pub metadata: String,
}

impl Groups {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// All groups, of every broker, in order of id.
    pub async fn list(&self) -> Result<Vec<GroupSummary>> {
        self.cluster.refresh(&[]).await?;
        let mut brokers: Vec<i32> = self.cluster.snapshot().brokers.keys().copied().collect();
        brokers.sort_unstable();
        let mut groups = Vec::new();
        for broker in brokers {
            let response = self
                .cluster
                .retrying(|| async {
                    let response = self
                        .cluster
                        .call_broker(broker, &ListGroupsRequest::default())
                        .await?;
                    check(
                        response.error_code,
                        &format!("listing the groups of broker {broker}"),
                        None,
                    )?;
                    Ok(response)
                })
                .await?;
            groups.extend(response.groups.iter().map(|group| GroupSummary {
                group_id: group.group_id.to_string(),
                protocol_type: group.protocol_type.to_string(),
                state: group.group_state.to_string(),
                kind: group.group_type.to_lowercase(),
            }));
        }
        groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        Ok(groups)
    }

    /// One group and its members. `NotFound` if there is none.
    pub async fn describe(&self, group: &str) -> Result<GroupDescription> {
        let outcome = self
            .cluster
            .retrying(|| async {
                let coordinator = self.cluster.find_coordinator(group).await?;
                let connection = self.cluster.connection(coordinator).await?;
                let mut description = match self.describe_consumer(&connection, group).await? {
                    Some(description) => description,
                    None => self.describe_classic(&connection, group).await?,
                };
                description.coordinator = coordinator;
                Ok(description)
            })
            .await;
        self.or_nearest(group, outcome).await
    }

    /// Puts the error for a group that is not there in words that help.
    async fn or_nearest<T>(&self, group: &str, outcome: Result<T>) -> Result<T> {
        const GROUP_ID_NOT_FOUND: i16 = 69;
        let Err(error) = outcome else {
            return outcome;
        };
        if error.kafka_code() != Some(GROUP_ID_NOT_FOUND) {
            return Err(error);
        }
        let known = self.list().await.unwrap_or_default();
        let hint = match nearest(group, known.iter().map(|known| known.group_id.as_str())) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "list them with tidemill group list".to_owned(),
        };
        let message = format!("there is no consumer group {group:?}: {hint}");
        Err(Error::new(ErrorKind::NotFound, message).with_code(GROUP_ID_NOT_FOUND))
    }

    /// `None` if it is not a KIP-848 group, or the broker knows none.
    async fn describe_consumer(
        &self,
        connection: &Connection,
        group: &str,
    ) -> Result<Option<GroupDescription>> {
        if !connection.versions().serves(ApiKey::ConsumerGroupDescribe) {
            return Ok(None);
        }
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(group)]);
        let response = connection
            .call(&request, self.cluster.settings().request_timeout)
            .await?;
        let what = describing(group);
        let found = response.groups.first().ok_or_else(|| left_out(&what))?;
        match check(found.error_code, &what, found.error_message.as_deref()) {
            Err(error) if !error.is_retriable() => return Ok(None),
            outcome => outcome?,
        }
        let members = found.members.iter().map(|member| GroupMember {
            member_id: member.member_id.to_string(),
            instance_id: member.instance_id.as_ref().map(ToString::to_string),
            client_id: member.client_id.to_string(),
            host: member.client_host.to_string(),
            assignment: assignment(
                member
                    .assignment
                    .topic_partitions
                    .iter()
                    .map(|t| (t.topic_name.as_str(), t.partitions.as_slice())),
            ),
        });
        Ok(Some(GroupDescription {
            group_id: group.to_owned(),
            state: found.group_state.to_string(),
            kind: "consumer".to_owned(),
            protocol: found.assignor_name.to_string(),
            coordinator: -1,
            members: members.collect(),
        }))
    }

    async fn describe_classic(&self, connection: &Connection, group: &str) -> Result<GroupDescription> {
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
        let response = connection
            .call(&request, self.cluster.settings().request_timeout)
            .await?;
        let what = describing(group);
        let found = response.groups.first().ok_or_else(|| left_out(&what))?;
        check(found.error_code, &what, found.error_message.as_deref())?;
        // Old brokers answer so for a group that is not there (KIP-1043 made it an error).
        if found.group_state.as_str() == "Dead" {
            return Err(no_such_group(group));
        }
        let members = found.members.iter().map(|member| GroupMember {
            member_id: member.member_id.to_string(),
            instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
            client_id: member.client_id.to_string(),
            host: member.client_host.to_string(),
            assignment: classic_assignment(member.member_assignment.clone()),
        });
        Ok(GroupDescription {
            group_id: group.to_owned(),
            state: found.group_state.to_string(),
            kind: "classic".to_owned(),
            protocol: found.protocol_data.to_string(),
            coordinator: -1,
            members: members.collect(),
        })
    }

    /// How far the group has read, by what it has committed. Empty if it has committed nothing.
    pub async fn offsets(&self, group: &str) -> Result<Vec<GroupOffset>> {
        let committed = self.cluster.committed(group, None).await?;
        let starts = self.ends(&committed, EARLIEST).await?;
        let ends = self.ends(&committed, LATEST).await?;
        let offsets =
            committed
                .into_iter()
                .zip(starts.into_iter().zip(ends))
                .map(|(committed, (log_start, end))| GroupOffset {
                    lag: (end >= 0).then(|| (end - committed.offset).max(0)),
                    topic: committed.topic.to_string(),
                    partition: committed.partition,
                    committed: committed.offset,
                    log_start,
                    end,
                    metadata: committed.metadata,
                });
        Ok(offsets.collect())
    }

    /// One end of each partition; -1 for those that are gone.
    async fn ends(&self, committed: &[Committed], timestamp: i64) -> Result<Vec<i64>> {
        let mut names: Vec<&str> = committed.iter().map(|committed| &*committed.topic).collect();
        names.dedup();
        self.cluster.refresh(&names).await?;
        let is_there = |committed: &Committed| {
            let topic = self.cluster.known_topic(&committed.topic);
            topic.is_some_and(|topic| topic.leader(committed.partition).is_some())
        };
        let there: Vec<(usize, OffsetQuery)> = committed
            .iter()
            .enumerate()
            .filter(|(_, committed)| is_there(committed))
            .map(|(at, committed)| {
                (
                    at,
                    OffsetQuery {
                        topic: committed.topic.clone(),
                        partition: committed.partition,
                        timestamp,
                    },
                )
            })
            .collect();
        let queries: Vec<OffsetQuery> = there.iter().map(|(_, query)| query.clone()).collect();
        let found = self.cluster.list_offsets(&queries, false).await?;
        let mut ends = vec![-1; committed.len()];
        for ((at, _), found) in there.iter().zip(found) {
            if let Some(end) = ends.get_mut(*at) {
                *end = found.offset;
            }
        }
        Ok(ends)
    }

    /// Deletes a group and its offsets.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` if it has members.
    pub async fn delete(&self, group: &str) -> Result<()> {
        let outcome = self
            .cluster
            .with_coordinator(group, |connection| async move {
                let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
                let response = connection
                    .call(&request, self.cluster.settings().request_timeout)
                    .await?;
                let what = format!("deleting group {group:?}");
                let result = response.results.first().ok_or_else(|| left_out(&what))?;
                check(result.error_code, &what, None)
            })
            .await;
        self.or_nearest(group, outcome).await
    }

    /// Sets committed offsets.
    ///
    /// # Errors
    /// `Conflict` if the group has members.
    pub async fn alter_offsets(&self, group: &str, offsets: &[TopicPartitionOffset]) -> Result<()> {
        let offsets: Vec<Committed> = offsets
            .iter()
            .map(|wanted| Committed {
                topic: Arc::from(wanted.topic.as_str()),
                partition: wanted.partition,
                offset: wanted.offset,
                metadata: String::new(),
            })
            .collect();
        let offsets = &offsets;
        let outcome = self
            .cluster
            .with_coordinator(group, |connection| async move {
                self.cluster
                    .commit(&connection, group, &Member::nobody(), offsets)
                    .await
            })
            .await;
        outcome.map_err(|error| match error.kafka_code() {
            // What a coordinator says to a commit from outside while there are members.
            Some(25 | 110 | 113) => Error::new(
                ErrorKind::Conflict,
                format!("group {group:?} has members. Stop its consumers before setting its offsets"),
            ),
            _ => error,
        })
    }

    /// Sets the offsets of all partitions of a topic to a place; with `dry_run` only tells them.
    /// Errors as [`Self::alter_offsets`], and `NotFound` for the topic.
    pub async fn reset_offsets(
        &self,
        group: &str,
        topic: &str,
        to: Start,
        dry_run: bool,
    ) -> Result<Vec<TopicPartitionOffset>> {
        let topics = Topics::new(self.cluster.clone());
        let mut places = topics.offsets(topic, to).await?;
        if places.iter().any(|place| place.offset < 0) {
            // No record is that young: the end.
            for (place, end) in places.iter_mut().zip(topics.offsets(topic, Start::Latest).await?) {
                place.offset = if place.offset < 0 {
                    end.offset
                } else {
                    place.offset
                };
            }
        }
        let place = |place: &super::PartitionOffset| TopicPartitionOffset {
            topic: topic.to_owned(),
            partition: place.partition,
            offset: place.offset,
        };
        let offsets: Vec<TopicPartitionOffset> = places.iter().map(place).collect();
        if !dry_run {
            self.alter_offsets(group, &offsets).await?;
        }
        Ok(offsets)
    }

    /// Forgets what the group has committed for a topic.
    ///
    /// # Errors
    /// `Conflict` if a member reads the topic.
    pub async fn delete_offsets(&self, group: &str, topic: &str) -> Result<()> {
        let committed = self.cluster.committed(group, None).await?;
        let partitions: Vec<OffsetDeleteRequestPartition> = committed
            .iter()
            .filter(|committed| &*committed.topic == topic)
            .map(|committed| {
                OffsetDeleteRequestPartition::default().with_partition_index(committed.partition)
            })
            .collect();
        let wanted = OffsetDeleteRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(partitions);
        let request = OffsetDeleteRequest::default()
            .with_group_id(group_id(group))
            .with_topics(vec![wanted]);
        let request = &request;
        self.cluster
            .with_coordinator(group, |connection| async move {
                let response = connection
                    .call(request, self.cluster.settings().request_timeout)
                    .await?;
                let what = format!("deleting the offsets of group {group:?} for topic {topic:?}");
                check(response.error_code, &what, None)?;
                let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
                partitions.try_for_each(|partition| check(partition.error_code, &what, None))
            })
            .await
    }
}

fn describing(group: &str) -> String {
    format!("describing group {group:?}")
}

/// As brokers say it since KIP-1043.
fn no_such_group(group: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no consumer group {group:?}"),
    )
    .with_code(69)
}

fn assignment<'a>(topics: impl Iterator<Item = (&'a str, &'a [i32])>) -> Vec<TopicPartition> {
    let mut all: Vec<TopicPartition> = topics
        .flat_map(|(topic, partitions)| {
            let topic: Arc<str> = Arc::from(topic);
            partitions.iter().map(move |&partition| TopicPartition {
                topic: topic.clone(),
                partition,
            })
        })
        .collect();
    all.sort();
    all
}

/// Reads the consumer protocol's assignment: a version, then the message. Whatever does not parse shows as empty.
fn classic_assignment(bytes: bytes::Bytes) -> Vec<TopicPartition> {
    match decode_assignment(bytes) {
        Ok(message) => assignment(
            message
                .assigned_partitions
                .iter()
                .map(|t| (t.topic.as_str(), t.partitions.as_slice())),
        ),
        Err(_) => Vec::new(),
    }
}
