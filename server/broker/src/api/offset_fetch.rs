//! OffsetFetch: one group, or (from version 8 on) several.

use std::collections::BTreeMap;

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::offset_fetch_request::OffsetFetchRequestGroup;
use tidemill_wire::kafka::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use tidemill_wire::kafka::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};

use super::Cx;
use super::groups::text;
use crate::group::records::CommittedOffset;

type Wanted = Option<Vec<(String, i32)>>;
type Found = BTreeMap<String, Vec<(i32, Option<CommittedOffset>)>>;

pub(super) async fn handle(cx: &Cx, request: OffsetFetchRequest) -> OffsetFetchResponse {
    if cx.version < 8 {
        return one(cx, request).await;
    }
    let mut groups = Vec::with_capacity(request.groups.len());
    for group in request.groups {
        groups.push(many(cx, group).await);
    }
    OffsetFetchResponse::default().with_groups(groups)
}

async fn one(cx: &Cx, request: OffsetFetchRequest) -> OffsetFetchResponse {
    // Before version 2 an empty list asked for nothing; from then on null asks for all.
    let wanted: Wanted = request.topics.map(|topics| {
        topics
            .iter()
            .flat_map(|t| t.partition_indexes.iter().map(|p| (t.name.to_string(), *p)))
            .collect()
    });
    let asked = wanted.clone();
    match fetch(cx, &request.group_id, None, wanted).await {
        Ok(found) => OffsetFetchResponse::default().with_topics(topics(found)),
        Err(error) if cx.version >= 2 => OffsetFetchResponse::default().with_error_code(error.code()),
        Err(error) => {
            // Version 1 has no error of its own: each partition bears it.
            let mut failed = Found::new();
            for (topic, partition) in asked.unwrap_or_default() {
                failed.entry(topic).or_default().push((partition, None));
            }
            let mut topics = topics(failed);
            for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                partition.error_code = error.code();
            }
            OffsetFetchResponse::default().with_topics(topics)
        }
    }
}

async fn many(cx: &Cx, group: OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    let wanted: Wanted = group.topics.map(|topics| {
        topics
            .iter()
            .flat_map(|t| t.partition_indexes.iter().map(|p| (t.name.to_string(), *p)))
            .collect()
    });
    let who = group
        .member_id
        .as_deref()
        .filter(|_| group.member_epoch >= 0)
        .map(|id| (id, group.member_epoch));
    let found = fetch(cx, &group.group_id, who, wanted).await;
    let answer = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
    match found {
        Err(error) => answer.with_error_code(error.code()),
        Ok(found) => {
            let partition = |(index, offset): (i32, Option<CommittedOffset>)| {
                let (offset, epoch, metadata) = fields(offset);
                OffsetFetchResponsePartitions::default()
                    .with_partition_index(index)
                    .with_committed_offset(offset)
                    .with_committed_leader_epoch(epoch)
                    .with_metadata(Some(text(metadata)))
            };
            let topic = |(name, partitions): (String, Vec<_>)| {
                OffsetFetchResponseTopics::default()
                    .with_name(TopicName(text(name)))
                    .with_partitions(partitions.into_iter().map(partition).collect())
            };
            answer.with_topics(found.into_iter().map(topic).collect())
        }
    }
}

fn topics(found: Found) -> Vec<OffsetFetchResponseTopic> {
    let partition = |(index, offset): (i32, Option<CommittedOffset>)| {
        let (offset, epoch, metadata) = fields(offset);
        OffsetFetchResponsePartition::default()
            .with_partition_index(index)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(epoch)
            .with_metadata(Some(text(metadata)))
    };
    let topic = |(name, partitions): (String, Vec<_>)| {
        OffsetFetchResponseTopic::default()
            .with_name(TopicName(text(name)))
            .with_partitions(partitions.into_iter().map(partition).collect())
    };
    found.into_iter().map(topic).collect()
}

/// Offset, leader epoch and metadata; -1 and nothing where none was committed.
fn fields(offset: Option<CommittedOffset>) -> (i64, i32, String) {
    offset.map_or((-1, -1, String::new()), |o| {
        (o.offset, o.leader_epoch, o.metadata)
    })
}

async fn fetch(
    cx: &Cx,
    group: &str,
    who: Option<(&str, i32)>,
    wanted: Wanted,
) -> Result<Found, ResponseError> {
    let mut found = Found::new();
    for (topic, partition, offset) in cx.broker.groups.fetch_offsets(group, who, wanted).await? {
        found.entry(topic).or_default().push((partition, offset));
    }
    Ok(found)
}
