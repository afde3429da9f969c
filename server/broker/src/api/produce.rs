//! Produce: records in. The order is settled before the next request of the connection is read; the
//! wait for the disk is not, so that many requests share one flush.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use tidemill_metadata::TopicImage;
use tidemill_partition::{Accepted, Ingest};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::produce_request::{PartitionProduceData, TopicProduceData};
use tidemill_wire::kafka::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use tidemill_wire::kafka::messages::{ApiKey, ProduceRequest, ProduceResponse, ResponseKind, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;
use uuid::Uuid;

use super::{Answer, Cx, encode};
use crate::errors::Failure;
use crate::transforms;

/// First version that names topics by id.
const BY_ID: i16 = 13;

struct Ordered {
    index: i32,
    outcome: Result<Accepted, Failure>,
}

pub(super) async fn answer(cx: &Cx, request: ProduceRequest) -> Answer {
    let begin = cx.broker.env.clock.monotonic();
    let acks = request.acks;
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let (name, id) = (topic.name.clone(), topic.topic_id);
        topics.push((name, id, order(cx, topic, acks).await));
    }
    if acks == 0 {
        // The client hears nothing; a refusal reaches it as a closed connection, as Kafka does it.
        let mut partitions = topics.into_iter().flat_map(|(_, _, partitions)| partitions);
        return match partitions.find_map(|partition| partition.outcome.err()) {
            Some(failure) => Answer::Close(failure.message),
            None => Answer::Nothing,
        };
    }
    let cx = cx.clone();
    Answer::Ordered(Box::pin(async move {
        let wait = acks != 1;
        let mut responses = Vec::with_capacity(topics.len());
        for (name, id, partitions) in topics {
            let settled = join_all(
                partitions
                    .into_iter()
                    .map(|partition| settle(&cx, partition, wait)),
            )
            .await;
            responses.push(respond(name, id, settled));
        }
        let response = ResponseKind::Produce(ProduceResponse::default().with_responses(responses));
        let took = cx.broker.env.clock.monotonic().saturating_sub(begin);
        cx.broker.metrics.answered(ApiKey::Produce, took);
        encode(&cx, ApiKey::Produce, &response)
    }))
}

fn respond(name: TopicName, id: Uuid, partitions: Vec<PartitionProduceResponse>) -> TopicProduceResponse {
    TopicProduceResponse::default()
        .with_name(name)
        .with_topic_id(id)
        .with_partition_responses(partitions)
}

/// Gives every batch of a topic its place in the log.
async fn order(cx: &Cx, topic: TopicProduceData, acks: i16) -> Vec<Ordered> {
    let id = if cx.version >= BY_ID {
        topic.topic_id
    } else {
        Uuid::nil()
    };
    let found = cx.broker.topic(&topic.name, id);
    let mut ordered = Vec::with_capacity(topic.partition_data.len());
    for PartitionProduceData { index, records, .. } in topic.partition_data {
        let outcome = match &found {
            _ if !(-1..=1).contains(&acks) => Err(Failure::new(
                ResponseError::InvalidRequiredAcks,
                "acks is -1 (all), 0 or 1",
            )),
            None => {
                let view = cx.broker.refuse_view(&topic.name, id, "produce to the topic");
                Err(view.err().unwrap_or_else(|| Failure::unknown_topic(&topic.name)))
            }
            Some(topic) if topic.internal => Err(Failure::new(
                ResponseError::InvalidTopicException,
                "the topic is written by the server alone",
            )),
            Some(topic) => match cx.broker.partition(topic, index) {
                Some(partition) => append(cx, topic, &partition, records.unwrap_or_default()).await,
                None => Err(Failure::unknown_topic(&format!("{}-{index}", topic.name))),
            },
        };
        ordered.push(Ordered { index, outcome });
    }
    ordered
}

async fn append(
    cx: &Cx,
    topic: &Arc<TopicImage>,
    partition: &tidemill_partition::Partition,
    records: Bytes,
) -> Result<Accepted, Failure> {
    let size = records.len();
    let ingest = transforms::of(&cx.broker, topic);
    let ingest = ingest.as_ref().map(|ingest| ingest as &dyn Ingest);
    let accepted = partition
        .append_through(records, ingest)
        .await
        .map_err(Failure::from)?;
    if !accepted.duplicate {
        let count = accepted.next_offset.saturating_sub(accepted.base_offset);
        cx.broker
            .metrics
            .produced(partition, u64::try_from(count).unwrap_or(0), size);
    }
    Ok(accepted)
}

/// Waits for the commit when the producer asked for it.
async fn settle(cx: &Cx, ordered: Ordered, wait: bool) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(ordered.index);
    let failed = |failure: Failure| {
        let message = failure.text();
        let error = |(index, why): &(i32, Option<String>)| {
            let why = why.clone().map(StrBytes::from_string);
            BatchIndexAndErrorMessage::default()
                .with_batch_index(*index)
                .with_batch_index_error_message(why)
        };
        let records = failure.records.iter().map(error).collect();
        cx.broker.metrics.failed(ApiKey::Produce, failure.code);
        PartitionProduceResponse::default()
            .with_index(ordered.index)
            .with_error_code(failure.code)
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(-1)
            .with_error_message(message)
            .with_record_errors(records)
    };
    let accepted = match ordered.outcome {
        Ok(accepted) => accepted,
        Err(failure) => return failed(failure),
    };
    if wait && let Err(error) = accepted.commit.await {
        return failed(tidemill_partition::AppendError::from(error).into());
    }
    response
        .with_base_offset(accepted.base_offset)
        .with_log_append_time_ms(accepted.log_append_time)
        .with_log_start_offset(accepted.log_start_offset)
}
