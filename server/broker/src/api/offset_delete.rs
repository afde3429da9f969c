//! OffsetDelete.

use tidemill_wire::kafka::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use tidemill_wire::kafka::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::Cx;
use super::groups::code;

pub(super) async fn handle(cx: &Cx, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let mut partitions = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let indexes: Vec<i32> = topic.partitions.iter().map(|p| p.partition_index).collect();
        partitions.extend(indexes.iter().map(|index| (topic.name.to_string(), *index)));
        let partition = |index| OffsetDeleteResponsePartition::default().with_partition_index(index);
        topics.push(
            OffsetDeleteResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(indexes.into_iter().map(partition).collect()),
        );
    }
    match cx
        .broker
        .groups
        .delete_offsets(&request.group_id, &partitions)
        .await
    {
        Err(error) => OffsetDeleteResponse::default().with_error_code(error.code()),
        Ok(results) => {
            for (partition, result) in topics.iter_mut().flat_map(|t| &mut t.partitions).zip(results) {
                partition.error_code = code(result.err());
            }
            OffsetDeleteResponse::default().with_topics(topics)
        }
    }
}
