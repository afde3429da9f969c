//! AlterPartitionReassignments (KIP-455): where a partition's replicas are to be. They may stay where they are.

use tidemill_metadata::Image;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::alter_partition_reassignments_request::ReassignablePartition;
use tidemill_wire::kafka::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use tidemill_wire::kafka::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
};

use super::Cx;
use crate::errors::Failure;

pub(super) fn handle(
    cx: &Cx,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let image = cx.broker.metadata.image();
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let answer =
                ReassignablePartitionResponse::default().with_partition_index(partition.partition_index);
            match check(&image, &topic.name, partition) {
                Ok(()) => answer.with_error_message(None),
                Err(failure) => answer
                    .with_error_code(failure.code)
                    .with_error_message(failure.text()),
            }
        });
        ReassignableTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name.clone())
    });
    AlterPartitionReassignmentsResponse::default()
        .with_allow_replication_factor_change(request.allow_replication_factor_change || cx.version == 0)
        .with_error_message(None)
        .with_responses(topics.collect())
}

fn check(image: &Image, topic: &str, wish: &ReassignablePartition) -> Result<(), Failure> {
    let found = image.topic(topic);
    let partition = found.and_then(|found| found.partition(wish.partition_index));
    let Some(partition) = partition else {
        return Err(Failure::unknown_topic(topic));
    };
    let Some(replicas) = &wish.replicas else {
        let message = "no reassignment of this partition is going on, so there is none to cancel";
        return Err(Failure::new(ResponseError::NoReassignmentInProgress, message));
    };
    let asked: Vec<i32> = replicas.iter().map(|BrokerId(id)| *id).collect();
    if asked == partition.replicas {
        return Ok(());
    }
    let message = format!(
        "replicas cannot be moved: the partition's are {:?}, and there is no other broker",
        partition.replicas
    );
    Err(Failure::new(ResponseError::InvalidReplicaAssignment, message))
}
