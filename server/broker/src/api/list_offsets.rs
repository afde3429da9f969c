//! ListOffsets: offsets by time, and the ends of a log.

use tidemill_partition::{FetchError, Partition};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::list_offsets_request::ListOffsetsPartition;
use tidemill_wire::kafka::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use tidemill_wire::kafka::messages::{ListOffsetsRequest, ListOffsetsResponse};
use uuid::Uuid;

use super::Cx;
use crate::errors::Failure;

/// Timestamps with a meaning of their own.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const LARGEST_TIMESTAMP: i64 = -3;
/// Earliest offset on local disk: all of it is (KIP-405).
const EARLIEST_LOCAL: i64 = -4;
/// Latest offset in tiered storage: there is none.
const LATEST_TIERED: i64 = -5;

pub(super) async fn handle(cx: &Cx, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let found = cx.broker.topic(&topic.name, Uuid::nil());
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let partition = found
                .as_ref()
                .and_then(|found| cx.broker.partition(found, wanted.partition_index));
            let answer = ListOffsetsPartitionResponse::default().with_partition_index(wanted.partition_index);
            partitions.push(match partition {
                Some(partition) => {
                    let answer = look_up(&partition, &wanted, answer).await;
                    // Epochs are told from version 4 on.
                    if cx.version < 4 {
                        answer.with_leader_epoch(-1)
                    } else {
                        answer
                    }
                }
                None => answer
                    .with_error_code(ResponseError::UnknownTopicOrPartition.code())
                    .with_offset(-1)
                    .with_timestamp(-1),
            });
        }
        topics.push(
            ListOffsetsTopicResponse::default()
                .with_name(topic.name)
                .with_partitions(partitions),
        );
    }
    ListOffsetsResponse::default().with_topics(topics)
}

async fn look_up(
    partition: &Partition,
    wanted: &ListOffsetsPartition,
    answer: ListOffsetsPartitionResponse,
) -> ListOffsetsPartitionResponse {
    let offsets = partition.offsets();
    let found: Result<(i64, i64, i32), FetchError> = match wanted.timestamp {
        LATEST => Ok((-1, offsets.high_watermark, partition.leader_epoch())),
        EARLIEST | EARLIEST_LOCAL => Ok((-1, offsets.log_start, partition.leader_epoch())),
        LARGEST_TIMESTAMP => partition.max_timestamp().await.map(or_none),
        LATEST_TIERED => Ok((-1, -1, -1)),
        timestamp => partition.offset_for_timestamp(timestamp).await.map(or_none),
    };
    match found {
        Ok((timestamp, offset, epoch)) => answer
            .with_timestamp(timestamp)
            .with_offset(offset)
            .with_leader_epoch(epoch),
        Err(error) => answer
            .with_error_code(Failure::from(error).code)
            .with_offset(-1)
            .with_timestamp(-1),
    }
}

fn or_none(found: Option<tidemill_partition::TimestampOffset>) -> (i64, i64, i32) {
    found.map_or((-1, -1, -1), |found| {
        (found.timestamp, found.offset, found.leader_epoch)
    })
}
