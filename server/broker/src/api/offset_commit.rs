//! OffsetCommit: answered once the offsets are as durable as the offsets topic makes them.

use tidemill_wire::kafka::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use tidemill_wire::kafka::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::Cx;
use super::groups::{code, owned};
use crate::group::commits::{Commit, Committer};

pub(super) async fn handle(cx: &Cx, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let who = Committer {
        member_id: request.member_id.to_string(),
        instance_id: owned(request.group_instance_id),
        epoch: request.generation_id_or_member_epoch,
        knows_epochs: cx.version >= 9,
        retention_ms: Some(request.retention_time_ms).filter(|ms| *ms >= 0),
    };
    let mut answer: Vec<OffsetCommitResponseTopic> = Vec::with_capacity(request.topics.len());
    let mut commits = Vec::new();
    for topic in request.topics {
        let partition = |index: i32| OffsetCommitResponsePartition::default().with_partition_index(index);
        let name = topic.name.to_string();
        let indexes = topic
            .partitions
            .iter()
            .map(|p| partition(p.partition_index))
            .collect();
        answer.push(
            OffsetCommitResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(indexes),
        );
        commits.extend(topic.partitions.into_iter().map(|p| Commit {
            topic: name.clone(),
            partition: p.partition_index,
            offset: p.committed_offset,
            leader_epoch: p.committed_leader_epoch,
            metadata: owned(p.committed_metadata).unwrap_or_default(),
        }));
    }
    let results = cx
        .broker
        .groups
        .commit_offsets(&request.group_id, &who, commits)
        .await;
    let partitions = answer.iter_mut().flat_map(|topic| &mut topic.partitions);
    match results {
        Err(error) => partitions.for_each(|partition| partition.error_code = error.code()),
        Ok(results) => {
            for (partition, result) in partitions.zip(results) {
                partition.error_code = code(result.err());
            }
        }
    }
    OffsetCommitResponse::default().with_topics(answer)
}
