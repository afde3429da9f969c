//! The offsets a group has committed: reading and writing them at its coordinator.

use std::sync::Arc;

use tidemill_wire::kafka::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use tidemill_wire::kafka::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use tidemill_wire::kafka::messages::{OffsetCommitRequest, OffsetFetchRequest, OffsetFetchResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use super::{Cluster, group_id, text, topic_name};
use crate::connection::Connection;
use crate::error::{Error, Result};

/// One committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) metadata: String,
}

/// In whose name offsets are committed. Without a member the group must be empty.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    /// The generation, or with KIP-848 the member epoch; -1 without a member.
    pub(crate) generation: i32,
    pub(crate) instance_id: Option<String>,
}

impl Member {
    pub(crate) fn nobody() -> Self {
        Self {
            id: String::new(),
            generation: -1,
            instance_id: None,
        }
    }
}

type Partitions<'a> = &'a [(Arc<str>, i32)];

fn by_topic<'a, T>(items: impl Iterator<Item = (&'a Arc<str>, T)>) -> Vec<(Arc<str>, Vec<T>)> {
    let mut topics: Vec<(Arc<str>, Vec<T>)> = Vec::new();
    for (topic, item) in items {
        match topics.iter_mut().find(|(name, _)| name == topic) {
            Some((_, items)) => items.push(item),
            None => topics.push((topic.clone(), vec![item])),
        }
    }
    topics
}

impl Cluster {
    /// What `group` has committed for `partitions`, or for all. Partitions without a commit are left out.
    pub(crate) async fn committed(
        &self,
        group: &str,
        partitions: Option<Partitions<'_>>,
    ) -> Result<Vec<Committed>> {
        self.with_coordinator(group, |connection| async move {
            let version = connection.versions().pick::<OffsetFetchRequest>()?;
            let request = fetch_request(group, partitions, version);
            let response = connection
                .call_version(&request, version, self.settings().request_timeout)
                .await?;
            read_committed(group, &response, version)
        })
        .await
    }

    /// Commits `offsets` once, over `connection` to the coordinator.
    pub(crate) async fn commit(
        &self,
        connection: &Connection,
        group: &str,
        member: &Member,
        offsets: &[Committed],
    ) -> Result<()> {
        let request = commit_request(group, member, offsets);
        let response = connection.call(&request, self.settings().request_timeout).await?;
        for topic in &response.topics {
            if let Some(partition) = topic
                .partitions
                .iter()
                .find(|partition| partition.error_code != 0)
            {
                let (name, index) = (&topic.name.0, partition.partition_index);
                let what = format!("committing offsets of group {group:?} for {name:?} partition {index}");
                return Err(Error::from_code(partition.error_code, &what, None));
            }
        }
        Ok(())
    }
}

fn fetch_request(group: &str, partitions: Option<Partitions<'_>>, version: i16) -> OffsetFetchRequest {
    let topics =
        partitions.map(|partitions| by_topic(partitions.iter().map(|(topic, index)| (topic, *index))));
    if version < 8 {
        let topics = topics.map(|topics| {
            let topic = |(name, indexes): (Arc<str>, Vec<i32>)| {
                OffsetFetchRequestTopic::default()
                    .with_name(topic_name(&name))
                    .with_partition_indexes(indexes)
            };
            topics.into_iter().map(topic).collect()
        });
        return OffsetFetchRequest::default()
            .with_group_id(group_id(group))
            .with_topics(topics);
    }
    let topics = topics.map(|topics| {
        let topic = |(name, indexes): (Arc<str>, Vec<i32>)| {
            OffsetFetchRequestTopics::default()
                .with_name(topic_name(&name))
                .with_partition_indexes(indexes)
        };
        topics.into_iter().map(topic).collect()
    });
    let asked = OffsetFetchRequestGroup::default()
        .with_group_id(group_id(group))
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(topics);
    OffsetFetchRequest::default().with_groups(vec![asked])
}

fn read_committed(group: &str, response: &OffsetFetchResponse, version: i16) -> Result<Vec<Committed>> {
    let failed = |code: i16| Error::from_code(code, &format!("reading the offsets of group {group:?}"), None);
    type Row<'a> = (&'a StrBytes, i32, i64, i16, Option<&'a StrBytes>);
    let (code, rows): (i16, Vec<Row<'_>>) = if version < 8 {
        let rows = response.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|p| {
                (
                    &topic.name.0,
                    p.partition_index,
                    p.committed_offset,
                    p.error_code,
                    p.metadata.as_ref(),
                )
            })
        });
        (response.error_code, rows.collect())
    } else {
        let Some(answer) = response.groups.first() else {
            return Err(Error::corrupt(format!(
                "the answer about group {group:?} leaves it out"
            )));
        };
        let rows = answer.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|p| {
                (
                    &topic.name.0,
                    p.partition_index,
                    p.committed_offset,
                    p.error_code,
                    p.metadata.as_ref(),
                )
            })
        });
        (answer.error_code, rows.collect())
    };
    if code != 0 {
        return Err(failed(code));
    }
    let mut committed = Vec::new();
    for (topic, partition, offset, code, metadata) in rows {
        if code != 0 {
            return Err(failed(code));
        }
        if offset >= 0 {
            let metadata = metadata.map(ToString::to_string).unwrap_or_default();
            committed.push(Committed {
                topic: Arc::from(topic.as_str()),
                partition,
                offset,
                metadata,
            });
        }
    }
    committed.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    Ok(committed)
}

fn commit_request(group: &str, member: &Member, offsets: &[Committed]) -> OffsetCommitRequest {
    let partition = |committed: &Committed| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(committed.partition)
            .with_committed_offset(committed.offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text(&committed.metadata)))
    };
    let topics = by_topic(
        offsets
            .iter()
            .map(|committed| (&committed.topic, partition(committed))),
    );
    let topic = |(name, partitions): (Arc<str>, Vec<_>)| {
        OffsetCommitRequestTopic::default()
            .with_name(topic_name(&name))
            .with_partitions(partitions)
    };
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text(&member.id))
        .with_generation_id_or_member_epoch(member.generation)
        .with_group_instance_id(member.instance_id.as_deref().map(text))
        .with_retention_time_ms(-1)
        .with_topics(topics.into_iter().map(topic).collect())
}
