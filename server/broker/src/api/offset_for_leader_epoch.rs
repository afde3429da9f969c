//! OffsetForLeaderEpoch: where a leader's records ended, by which a reader finds out that its own were lost
//! (KIP-101, KIP-320).

use tidemill_wire::kafka::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use tidemill_wire::kafka::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use tidemill_wire::kafka::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use uuid::Uuid;

use super::Cx;
use crate::broker::Place;

pub(super) async fn handle(cx: &Cx, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let place = |index| Place {
            name: &topic.topic,
            id: Uuid::nil(),
            index,
        };
        let partitions = topic
            .partitions
            .iter()
            .map(|wanted| look_up(cx, &place(wanted.partition), wanted));
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

fn look_up(cx: &Cx, place: &Place<'_>, wanted: &OffsetForLeaderPartition) -> EpochEndOffset {
    let answer = EpochEndOffset::default().with_partition(wanted.partition);
    match cx.broker.readable(place, wanted.current_leader_epoch) {
        Ok((partition, _)) => {
            let (epoch, end) = match wanted.leader_epoch {
                ..0 => (-1, -1),
                // The epoch that goes on ends where the log does, and needs no record to be known.
                epoch if epoch == partition.leader_epoch() => (epoch, partition.offsets().end),
                epoch => partition.epoch_end_offset(epoch),
            };
            answer.with_leader_epoch(epoch).with_end_offset(end)
        }
        Err(failure) => answer
            .with_error_code(failure.code)
            .with_leader_epoch(-1)
            .with_end_offset(-1),
    }
}
