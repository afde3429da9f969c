//! Committing, fetching and deleting offsets.

use tidemill_wire::kafka::error::ResponseError;

use super::coordinator::Coordinator;
use super::offsets::{offset_key, offset_record};
use super::records::{CommittedOffset, Record};
use super::shard::{Active, Moment};
use super::state::{Group, Kind};
use super::topics::Topics;

/// Who commits or fetches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Committer {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    /// Generation (classic) or member epoch (KIP-848); below 0 for none.
    pub(crate) epoch: i32,
    /// Whether the request's version knows of KIP-848 (OffsetCommit 9 and later).
    pub(crate) knows_epochs: bool,
    /// How long offsets shall be kept, by the client's own wish (OffsetCommit up to version 4).
    pub(crate) retention_ms: Option<i64>,
}

/// One offset to commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// Topic, partition, and what was committed there.
pub(crate) type FoundOffset = (String, i32, Option<CommittedOffset>);

/// A partition's result, in the order of the request.
pub(crate) type PartitionResult = Result<(), ResponseError>;

impl Coordinator {
    /// OffsetCommit: answers once the offsets are stored. Either all partitions fail with one error, or
    /// each has its own result.
    pub(crate) async fn commit_offsets(
        &self,
        group: &str,
        who: &Committer,
        commits: Vec<Commit>,
    ) -> Result<Vec<PartitionResult>, ResponseError> {
        let check = |topics: &dyn Topics, commit: &Commit| {
            if commit.metadata.len() > self.config.offset_metadata_max_bytes {
                return Err(ResponseError::OffsetMetadataTooLarge);
            }
            let known = topics
                .topic(&commit.topic)
                .is_some_and(|t| (0..t.partitions).contains(&commit.partition));
            if known {
                Ok(())
            } else {
                Err(ResponseError::UnknownTopicOrPartition)
            }
        };
        let (results, ticket) = self.glance_with_room(group, |active, moment| {
            // Seen under the shard's lock: who removes a deleted topic's offsets comes before or after.
            let topics = self.topics.current();
            let results: Vec<PartitionResult> = commits.iter().map(|c| check(&*topics, c)).collect();
            self.check_commit(active, group, who, moment)
                .inspect_err(|_| active.forget_unused(group))?;
            let Some(state) = active.groups.get_mut(group) else {
                return Err(ResponseError::GroupIdNotFound);
            };
            let mut records = Vec::with_capacity(commits.len());
            for (commit, _) in commits
                .into_iter()
                .zip(&results)
                .filter(|(_, result)| result.is_ok())
            {
                let offset = CommittedOffset {
                    offset: commit.offset,
                    leader_epoch: commit.leader_epoch,
                    metadata: commit.metadata,
                    commit_ms: moment.wall_ms,
                    topic_id: topics.topic(&commit.topic).map(|t| t.id).unwrap_or_default(),
                    expire_ms: who.retention_ms.map(|ms| moment.wall_ms.saturating_add(ms)),
                };
                records.push(offset_record(
                    group,
                    &commit.topic,
                    commit.partition,
                    offset.clone(),
                ));
                state.offsets.set(&commit.topic, commit.partition, offset);
            }
            let ticket = active.write(group, records);
            active.forget_unused(group);
            Ok((results, ticket))
        })?;
        ticket.committed().await?;
        Ok(results)
    }

    fn check_commit(
        &self,
        active: &mut Active,
        id: &str,
        who: &Committer,
        moment: Moment,
    ) -> Result<(), ResponseError> {
        if !active.groups.contains_key(id) {
            if who.epoch >= 0 {
                return Err(ResponseError::IllegalGeneration);
            }
            if active.groups.len() >= self.config.max_groups_per_partition {
                return Err(ResponseError::CoordinatorNotAvailable);
            }
            // A consumer that assigns its own partitions and uses the group for its offsets only.
            active.groups.insert(id.to_owned(), Group::classic(&self.config));
        }
        if let Some(Group {
            kind: Kind::Consumer(consumer),
            ..
        }) = active.groups.get(id)
        {
            return consumer.check_commit(&who.member_id, who.epoch, who.knows_epochs);
        }
        let member = (who.member_id.as_str(), who.instance_id.as_deref());
        active
            .step_classic(id, moment, |classic, now, _| {
                classic.check_commit(now, member, who.epoch)
            })
            .unwrap_or(Err(ResponseError::UnknownMemberId))
    }

    /// OffsetFetch: committed offsets, by the partitions asked for or all there are. What is shown is
    /// durable.
    pub(crate) async fn fetch_offsets(
        &self,
        group: &str,
        who: Option<(&str, i32)>,
        wanted: Option<Vec<(String, i32)>>,
    ) -> Result<Vec<FoundOffset>, ResponseError> {
        let (found, ticket) = self.glance(group, |active, _| {
            let topics = self.topics.current();
            // Of a topic that was deleted, the offset is as good as gone already.
            let lives = |topic: &str, offset: &CommittedOffset| {
                offset.topic_id.is_nil() || topics.topic(topic).is_some_and(|t| t.id == offset.topic_id)
            };
            let state = active.groups.get(group);
            if let Some((member, epoch)) = who {
                check_reader(state, member, epoch)?;
            }
            let found = match wanted {
                Some(wanted) => wanted
                    .into_iter()
                    .map(|(topic, partition)| {
                        let offset = state.and_then(|s| s.offsets.get(&topic, partition));
                        let offset = offset.filter(|offset| lives(&topic, offset)).cloned();
                        (topic, partition, offset)
                    })
                    .collect(),
                None => {
                    let all = state.map(all_offsets).unwrap_or_default();
                    let lives = |(topic, _, offset): &FoundOffset| {
                        offset.as_ref().is_some_and(|offset| lives(topic, offset))
                    };
                    all.into_iter().filter(lives).collect()
                }
            };
            Ok::<_, ResponseError>((found, active.ticket(group)))
        })??;
        ticket.committed().await?;
        Ok(found)
    }

    /// OffsetDelete: a result for each partition, once the deletion is stored.
    pub(crate) async fn delete_offsets(
        &self,
        group: &str,
        partitions: &[(String, i32)],
    ) -> Result<Vec<PartitionResult>, ResponseError> {
        let (results, ticket) = self.glance_with_room(group, |active, _| {
            let topics = self.topics.current();
            let state = active
                .groups
                .get_mut(group)
                .ok_or(ResponseError::GroupIdNotFound)?;
            let mut records = Vec::new();
            let mut results = Vec::with_capacity(partitions.len());
            for (topic, partition) in partitions {
                let info = topics.topic(topic);
                let subscribed = match &state.kind {
                    Kind::Classic(classic) => {
                        classic.subscribes_to(topic).ok_or(ResponseError::NonEmptyGroup)?
                    }
                    Kind::Consumer(consumer) => consumer.subscribes_to(topic, info.map(|t| t.id)),
                };
                results.push(if subscribed {
                    Err(ResponseError::GroupSubscribedToTopic)
                } else if state.offsets.remove(topic, *partition) {
                    records.push(Record::tombstone(offset_key(group, topic, *partition)));
                    Ok(())
                } else if info.is_some_and(|t| (0..t.partitions).contains(partition)) {
                    Ok(())
                } else {
                    Err(ResponseError::UnknownTopicOrPartition)
                });
            }
            Ok((results, active.write(group, records)))
        })?;
        ticket.committed().await?;
        Ok(results)
    }
}

/// That a reader which says it is a member is one (OffsetFetch 9 and later).
fn check_reader(group: Option<&Group>, member: &str, epoch: i32) -> Result<(), ResponseError> {
    match group.map(|group| &group.kind) {
        Some(Kind::Consumer(consumer)) => consumer.check_epoch(member, epoch),
        // A classic group has no epochs to check.
        Some(Kind::Classic(_)) => Ok(()),
        None => Err(ResponseError::UnknownMemberId),
    }
}

fn all_offsets(group: &Group) -> Vec<FoundOffset> {
    group
        .offsets
        .iter()
        .map(|(t, p, offset)| (t.to_owned(), p, Some(offset.clone())))
        .collect()
}
