//! DescribeProducers: the idempotent producers that a partition remembers (KIP-664).

use tidemill_wire::kafka::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use tidemill_wire::kafka::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};
use uuid::Uuid;

use super::Cx;
use crate::broker::Place;

pub(super) fn handle(cx: &Cx, request: DescribeProducersRequest) -> DescribeProducersResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let place = |index| Place {
            name: &topic.name,
            id: Uuid::nil(),
            index,
        };
        let partitions = topic
            .partition_indexes
            .iter()
            .map(|index| describe(cx, &place(*index)));
        let partitions = partitions.collect();
        TopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}

fn describe(cx: &Cx, place: &Place<'_>) -> PartitionResponse {
    let answer = PartitionResponse::default().with_partition_index(place.index);
    let partition = match cx.broker.readable(place, -1) {
        Ok((partition, None)) => partition,
        // Nobody writes to a view.
        Ok((_, Some(_))) => return answer,
        Err(failure) => {
            return answer
                .with_error_code(failure.code)
                .with_error_message(failure.text());
        }
    };
    let producers = partition.producers().into_iter().map(|producer| {
        ProducerState::default()
            .with_producer_id(ProducerId(producer.producer_id))
            .with_producer_epoch(i32::from(producer.epoch))
            .with_last_sequence(producer.last_sequence)
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(-1)
            .with_current_txn_start_offset(-1)
    });
    answer.with_active_producers(producers.collect())
}
