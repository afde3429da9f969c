//! DeleteRecords: moves the start of a log forward (KIP-107).

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use tidemill_wire::kafka::messages::{DeleteRecordsRequest, DeleteRecordsResponse};
use uuid::Uuid;

use super::Cx;
use crate::broker::Place;
use crate::errors::Failure;

/// All that is committed.
const HIGH_WATERMARK: i64 = -1;

pub(super) async fn handle(cx: &Cx, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let place = Place {
                name: &topic.name,
                id: Uuid::nil(),
                index: wanted.partition_index,
            };
            let answer = DeleteRecordsPartitionResult::default().with_partition_index(wanted.partition_index);
            partitions.push(match delete(cx, &place, wanted.offset).await {
                Ok(start) => answer.with_low_watermark(start),
                Err(failure) => answer.with_error_code(failure.code).with_low_watermark(-1),
            });
        }
        topics.push(
            DeleteRecordsTopicResult::default()
                .with_name(topic.name)
                .with_partitions(partitions),
        );
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

async fn delete(cx: &Cx, place: &Place<'_>, offset: i64) -> Result<i64, Failure> {
    if cx
        .broker
        .topic(place.name, place.id)
        .is_some_and(|topic| topic.internal)
    {
        return Err(Failure::new(
            ResponseError::InvalidTopicException,
            "the topic is the server's own",
        ));
    }
    cx.broker
        .refuse_view(place.name, place.id, "delete the topic's records")?;
    let partition = cx.broker.led_here(place, -1)?;
    let upto = if offset == HIGH_WATERMARK {
        partition.offsets().high_watermark
    } else {
        offset
    };
    Ok(partition.delete_records(upto).await?)
}
