//! The Fetch request, and what its answer does to the state. No IO.

use std::sync::Arc;
use std::time::Duration;

use tidemill_wire::batch::{Batch, split};
use tidemill_wire::kafka::messages::fetch_request::{FetchPartition, FetchTopic};
use tidemill_wire::kafka::messages::fetch_response::PartitionData;
use tidemill_wire::kafka::messages::{BrokerId, FetchRequest, FetchResponse, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;
use tokio::time::Instant;

use super::builder::{FetchSettings, Isolation, OffsetReset, Start};
use super::records::corrupt;
use super::shared::DAMAGE_REST;
use super::state::{Assigned, State};
use crate::error::{Error, ErrorKind, Result, is_stale_leader};

/// How long a partition is left alone after its leader could not serve it.
pub(super) const REST: Duration = Duration::from_millis(100);
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
/// How long a topic may be gone before the reader is told.
const TOPIC_GRACE: Duration = Duration::from_secs(10);

/// What was asked for, to tell later whether the answer still counts.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) generation: u64,
    pub(super) from: i64,
}

/// The request for `asked`.
pub(super) fn request(asked: &[Asked], settings: &FetchSettings) -> FetchRequest {
    let most = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    let mut topics: Vec<FetchTopic> = Vec::new();
    for wanted in asked {
        let partition = FetchPartition::default()
            .with_partition(wanted.partition)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(wanted.from)
            .with_last_fetched_epoch(-1)
            .with_log_start_offset(-1)
            .with_partition_max_bytes(most(settings.partition_max_bytes));
        match topics
            .iter_mut()
            .find(|topic| topic.topic.as_str() == &*wanted.topic)
        {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                FetchTopic::default()
                    .with_topic(TopicName(StrBytes::from_string(wanted.topic.to_string())))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(i32::try_from(settings.max_wait.as_millis()).unwrap_or(i32::MAX))
        .with_min_bytes(settings.min_bytes)
        .with_max_bytes(most(settings.max_bytes))
        .with_isolation_level(i8::from(settings.isolation == Isolation::ReadCommitted))
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(topics)
}

/// What to do after an answer was taken in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effects {
    /// The reader has something to see.
    pub(super) arrived: bool,
    /// The metadata is old.
    pub(super) refresh: bool,
}

/// Takes an answer into the state.
pub(super) fn take_in(
    state: &mut State,
    asked: &[Asked],
    response: &FetchResponse,
    settings: &FetchSettings,
) -> Result<Effects> {
    if response.error_code != 0 {
        return Err(Error::from_code(response.error_code, "fetching", None));
    }
    let mut effects = Effects::default();
    for topic in &response.responses {
        for data in &topic.partitions {
            let about = |a: &&Asked| a.partition == data.partition_index && &*a.topic == topic.topic.as_str();
            let Some(asked) = asked.iter().find(about) else {
                continue;
            };
            let Some(assigned) = state.find_current(&asked.topic, asked.partition, asked.generation) else {
                continue;
            };
            let outcome = match data.error_code {
                0 => take_in_data(assigned, data, settings),
                code => take_in_error(assigned, code, settings, &mut effects),
            };
            match outcome {
                Ok(something) => effects.arrived |= something,
                Err(error) => {
                    state.failure.get_or_insert(error);
                    effects.arrived = true;
                }
            }
        }
    }
    Ok(effects)
}

fn take_in_data(assigned: &mut Assigned, data: &PartitionData, settings: &FetchSettings) -> Result<bool> {
    assigned.missing_since = None;
    assigned.rest_until = None;
    assigned.high_watermark = match settings.isolation {
        Isolation::ReadCommitted if data.last_stable_offset >= 0 => data.last_stable_offset,
        _ => data.high_watermark,
    };
    assigned.log_start = data.log_start_offset;
    let Some(records) = data.records.clone().filter(|records| !records.is_empty()) else {
        return Ok(false);
    };
    let mut batches = split(records);
    let mut any = false;
    for batch in &mut batches {
        let batch: Batch = batch.map_err(|error| {
            // Do not ask for the same bad bytes over and over at full speed.
            assigned.rest_until = Some(Instant::now() + DAMAGE_REST);
            corrupt(&assigned.topic, assigned.partition, error)
        })?;
        if batch.header.next_offset() <= assigned.fetch_position {
            continue;
        }
        assigned.fetch_position = batch.header.next_offset();
        assigned.buffered_bytes += batch.bytes.len();
        assigned.buffered.push_back(batch);
        any = true;
    }
    Ok(any)
}

/// The cluster says that it has no such partition. That may pass, for a topic made just now; when it has not for a
/// while, `Err` is for the reader.
pub(super) fn missing(assigned: &mut Assigned, now: Instant) -> Result<()> {
    let since = *assigned.missing_since.get_or_insert(now);
    if now.saturating_duration_since(since) < TOPIC_GRACE {
        return Ok(());
    }
    assigned.missing_since = None;
    let (topic, partition) = (&assigned.topic, assigned.partition);
    let message = format!("topic {topic:?} partition {partition} is gone: it was deleted while it was read");
    Err(Error::new(ErrorKind::NotFound, message).with_code(UNKNOWN_TOPIC_OR_PARTITION))
}

/// What a partition's error means. `Err` is for the reader.
fn take_in_error(
    assigned: &mut Assigned,
    code: i16,
    settings: &FetchSettings,
    effects: &mut Effects,
) -> Result<bool> {
    const OFFSET_OUT_OF_RANGE: i16 = 1;
    let now = Instant::now();
    let (topic, partition) = (assigned.topic.clone(), assigned.partition);
    let what = format!(
        "fetching {topic:?} partition {partition} at offset {}",
        assigned.fetch_position
    );
    let error = Error::from_code(code, &what, None);
    assigned.rest_until = Some(now + REST);
    if code == OFFSET_OUT_OF_RANGE {
        if !assigned.buffered.is_empty() {
            // Hand out what there is first; the position may be valid again by then.
            return Ok(true);
        }
        let start = match settings.offset_reset {
            OffsetReset::Earliest => Start::Earliest,
            OffsetReset::Latest => Start::Latest,
            OffsetReset::Error => {
                assigned.rest_until = Some(now + Duration::from_secs(1));
                return Err(error);
            }
        };
        tracing::warn!(%topic, partition, offset = assigned.fetch_position, ?start, "position is outside the log");
        assigned.start = Some(start);
        return Ok(false);
    }
    if is_stale_leader(code) {
        effects.refresh = true;
        if code == UNKNOWN_TOPIC_OR_PARTITION {
            return missing(assigned, now).map(|()| false);
        }
        return Ok(false);
    }
    if error.is_retriable() {
        Ok(false)
    } else {
        Err(error)
    }
}
