//! Asking leaders for offsets by time (ListOffsets).

use std::collections::BTreeMap;
use std::sync::Arc;

use tidemill_wire::kafka::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidemill_wire::kafka::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;

use super::Cluster;
use crate::error::{Error, Result};

/// The offset after the last record.
pub(crate) const LATEST: i64 = -1;
/// The offset of the first record there is.
pub(crate) const EARLIEST: i64 = -2;

/// Ask for the first record of a partition at or after a time (milliseconds), or [`LATEST`], or [`EARLIEST`].
#[derive(Clone, Debug)]
pub(crate) struct OffsetQuery {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) timestamp: i64,
}

/// The answer: -1 for both when no record is that young.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundOffset {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
}

impl Cluster {
    /// Answers `queries` in their order. No partition may be asked for twice. `committed` counts stable records only.
    pub(crate) async fn list_offsets(
        &self,
        queries: &[OffsetQuery],
        committed: bool,
    ) -> Result<Vec<FoundOffset>> {
        let first = std::sync::atomic::AtomicBool::new(true);
        self.retrying(|| async {
            if !first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                let names: Vec<&str> = queries.iter().map(|query| &*query.topic).collect();
                self.refresh(&names).await?;
            }
            self.list_offsets_once(queries, committed).await
        })
        .await
    }

    async fn list_offsets_once(&self, queries: &[OffsetQuery], committed: bool) -> Result<Vec<FoundOffset>> {
        let mut by_leader: BTreeMap<i32, Vec<(usize, &OffsetQuery)>> = BTreeMap::new();
        for (at, query) in queries.iter().enumerate() {
            let topic = self.topic(&query.topic).await?;
            let leader = topic.leader(query.partition).ok_or_else(|| {
                let (name, partition) = (&query.topic, query.partition);
                if partition < 0 || partition >= topic.partition_count() {
                    return Error::new(
                        crate::error::ErrorKind::NotFound,
                        format!(
                            "topic {name:?} has no partition {partition}: it has {}",
                            topic.partition_count()
                        ),
                    );
                }
                Error::unavailable(format!("topic {name:?} partition {partition} has no leader now"))
            })?;
            by_leader.entry(leader).or_default().push((at, query));
        }
        let mut found = vec![
            FoundOffset {
                offset: -1,
                timestamp: -1
            };
            queries.len()
        ];
        for (leader, asked) in by_leader {
            let response = self.call_broker(leader, &request(&asked, committed)).await?;
            for (at, query) in asked {
                if let Some(slot) = found.get_mut(at) {
                    *slot = answer(&response, query)?;
                }
            }
        }
        Ok(found)
    }
}

fn request(asked: &[(usize, &OffsetQuery)], committed: bool) -> ListOffsetsRequest {
    let mut topics: Vec<ListOffsetsTopic> = Vec::new();
    for (_, query) in asked {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(query.partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(query.timestamp);
        match topics
            .iter_mut()
            .find(|topic| topic.name.as_str() == &*query.topic)
        {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                ListOffsetsTopic::default()
                    .with_name(TopicName(StrBytes::from_string(query.topic.to_string())))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(i8::from(committed))
        .with_topics(topics)
}

fn answer(response: &ListOffsetsResponse, query: &OffsetQuery) -> Result<FoundOffset> {
    let what = || {
        format!(
            "looking up offsets of {:?} partition {}",
            query.topic, query.partition
        )
    };
    let topic = response
        .topics
        .iter()
        .find(|topic| topic.name.as_str() == &*query.topic);
    let partition = topic.and_then(|t| t.partitions.iter().find(|p| p.partition_index == query.partition));
    match partition {
        Some(partition) if partition.error_code == 0 => Ok(FoundOffset {
            offset: partition.offset,
            timestamp: partition.timestamp,
        }),
        Some(partition) => Err(Error::from_code(partition.error_code, &what(), None)),
        None => Err(Error::corrupt(format!("{}: the answer leaves it out", what()))),
    }
}
