//! ListOffsets: offsets by time, and the ends of a log.

use std::collections::BTreeSet;

use tidemill_partition::FetchError;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::list_offsets_request::ListOffsetsPartition;
use tidemill_wire::kafka::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use tidemill_wire::kafka::messages::{ListOffsetsRequest, ListOffsetsResponse};
use uuid::Uuid;

use super::Cx;
use crate::broker::Place;
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
        let mut seen = BTreeSet::new();
        let again = topic.partitions.iter().map(|wanted| wanted.partition_index);
        let again: BTreeSet<i32> = again.filter(|index| !seen.insert(*index)).collect();
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let index = wanted.partition_index;
            let found = match again.contains(&index) {
                // Told once for all of them.
                true if !seen.remove(&index) => continue,
                true => Err(ResponseError::InvalidRequest.code()),
                false => look_up(cx, &topic.name, &wanted).await,
            };
            let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
            partitions.push(match found {
                Ok((timestamp, offset, epoch)) => answer
                    .with_timestamp(timestamp)
                    .with_offset(offset)
                    // Epochs are told from version 4 on.
                    .with_leader_epoch(if cx.version < 4 { -1 } else { epoch }),
                Err(code) => answer.with_error_code(code).with_offset(-1).with_timestamp(-1),
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

/// Timestamp, offset and leader epoch; or an error's number.
async fn look_up(cx: &Cx, name: &str, wanted: &ListOffsetsPartition) -> Result<(i64, i64, i32), i16> {
    let place = Place {
        name,
        id: Uuid::nil(),
        index: wanted.partition_index,
    };
    // A view's offsets and times are those of its source: what is at an offset may be left out, but no more.
    let read = cx.broker.readable(&place, wanted.current_leader_epoch);
    let (partition, _) = read.map_err(|failure| failure.code)?;
    // The first version that knows each special timestamp.
    let since = match wanted.timestamp {
        0.. | LATEST | EARLIEST => 0,
        LARGEST_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        _ => i16::MAX,
    };
    if cx.version < since {
        return Err(ResponseError::UnsupportedVersion.code());
    }
    let offsets = partition.offsets();
    let found: Result<(i64, i64, i32), FetchError> = match wanted.timestamp {
        LATEST => Ok((-1, offsets.high_watermark, partition.leader_epoch())),
        EARLIEST | EARLIEST_LOCAL => Ok((-1, offsets.log_start, partition.leader_epoch())),
        LARGEST_TIMESTAMP => partition.max_timestamp().await.map(or_none),
        LATEST_TIERED => Ok((-1, -1, -1)),
        timestamp => partition.offset_for_timestamp(timestamp).await.map(or_none),
    };
    found.map_err(|error| Failure::from(error).code)
}

fn or_none(found: Option<tidemill_partition::TimestampOffset>) -> (i64, i64, i32) {
    found.map_or((-1, -1, -1), |found| {
        (found.timestamp, found.offset, found.leader_epoch)
    })
}
