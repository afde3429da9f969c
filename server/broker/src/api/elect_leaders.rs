//! ElectLeaders (KIP-460). A partition has one replica, which leads it: no election is ever needed.

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use tidemill_wire::kafka::messages::{ElectLeadersRequest, ElectLeadersResponse};

use super::Cx;
use crate::errors::Failure;

/// Kafka's kinds of elections: of the preferred replica, and of one that is not in sync.
const KINDS: [i8; 2] = [0, 1];

pub(super) fn handle(cx: &Cx, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let response = ElectLeadersResponse::default();
    if !KINDS.contains(&request.election_type) {
        // Told by no topic: there is nobody to whom a partition's error would say more.
        return response.with_error_code(ResponseError::InvalidRequest.code());
    }
    let image = cx.broker.metadata.image();
    // Of all partitions, only those where something happened are told.
    let topics = request.topic_partitions.unwrap_or_default().into_iter();
    let results = topics.map(|topic| {
        let found = image.topic(&topic.topic);
        let partitions = topic.partitions.iter().map(|index| {
            let failure = match found.and_then(|found| found.partition(*index)) {
                Some(_) => Failure::new(
                    ResponseError::ElectionNotNeeded,
                    "the partition's only replica leads it",
                ),
                None => Failure::unknown_topic(&topic.topic),
            };
            PartitionResult::default()
                .with_partition_id(*index)
                .with_error_code(failure.code)
                .with_error_message(failure.text())
        });
        ReplicaElectionResult::default()
            .with_partition_result(partitions.collect())
            .with_topic(topic.topic.clone())
    });
    response.with_replica_election_results(results.collect())
}
