//! Fetch: records out. A long poll waits on all its partitions at once and is woken by a commit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tidemill_partition::{FetchWaiter, Partition};
use tidemill_wire::fetch::{self, FetchedPartition, FetchedResponse, FetchedTopic};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{ApiKey, FetchRequest};
use uuid::Uuid;

use super::Cx;
use crate::errors::Failure;
use crate::net::Frames;
use crate::session::{Name, Session, SessionError, Wanted};

/// First version that names topics by id.
const BY_ID: i16 = 13;
/// First version with sessions.
const SESSIONS: i16 = 7;

type Partitions = BTreeMap<(Name, i32), Wanted>;

/// How much to answer, and how long to wait for it.
struct Limits {
    min_bytes: usize,
    max_bytes: usize,
    deadline: Duration,
}

/// The session of a request.
enum Kept {
    /// None: the request says all.
    No,
    /// One that was just asked for.
    New,
    /// One that goes on: only changes are answered.
    Open(i32, Arc<Mutex<Session>>),
}

pub(super) async fn answer(cx: Cx, request: FetchRequest) -> Option<Frames> {
    let begin = cx.broker.env.clock.monotonic();
    let limits = Limits {
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
        max_bytes: usize::try_from(request.max_bytes)
            .unwrap_or(0)
            .min(cx.broker.config.fetch_max_bytes),
        deadline: begin + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
    };
    let response = match resume(&cx, &request) {
        Ok((kept, wanted)) => respond(&cx, kept, wanted, &limits).await,
        Err(error) => FetchedResponse {
            error_code: error.code(),
            ..FetchedResponse::default()
        },
    };
    cx.broker.metrics.answered(
        ApiKey::Fetch,
        cx.broker.env.clock.monotonic().saturating_sub(begin),
    );
    Some(fetch::encode(cx.version, cx.correlation_id, &response))
}

/// Finds what is wanted: named in the request, or remembered by the session.
fn resume(cx: &Cx, request: &FetchRequest) -> Result<(Kept, Partitions), ResponseError> {
    let named = named(cx, request);
    if cx.version < SESSIONS || request.session_epoch == -1 {
        cx.broker.sessions.close(request.session_id);
        return Ok((Kept::No, named));
    }
    if request.session_epoch == 0 {
        cx.broker.sessions.close(request.session_id);
        return Ok((Kept::New, named));
    }
    let session = cx
        .broker
        .sessions
        .resume(request.session_id, request.session_epoch);
    let session = session.map_err(|error| match error {
        SessionError::NotFound => ResponseError::FetchSessionIdNotFound,
        SessionError::WrongEpoch => ResponseError::InvalidFetchSessionEpoch,
    })?;
    let wanted = {
        let mut open = session.lock().unwrap_or_else(PoisonError::into_inner);
        for topic in &request.forgotten_topics_data {
            let name = name(cx, &topic.topic, topic.topic_id);
            for index in &topic.partitions {
                open.partitions.remove(&(name.clone(), *index));
            }
        }
        for (key, wanted) in named {
            let told = open
                .partitions
                .get(&key)
                .map(|known| (known.told_high_watermark, known.told_log_start));
            let (told_high_watermark, told_log_start) = told.unwrap_or((-1, -1));
            open.partitions.insert(
                key,
                Wanted {
                    told_high_watermark,
                    told_log_start,
                    ..wanted
                },
            );
        }
        open.partitions.clone()
    };
    Ok((Kept::Open(request.session_id, session), wanted))
}

fn name(cx: &Cx, name: &str, id: Uuid) -> Name {
    if cx.version >= BY_ID {
        Name {
            name: String::new(),
            id,
        }
    } else {
        Name {
            name: name.to_owned(),
            id: Uuid::nil(),
        }
    }
}

fn named(cx: &Cx, request: &FetchRequest) -> Partitions {
    let mut wanted = Partitions::new();
    for topic in &request.topics {
        let name = name(cx, &topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            let want = Wanted {
                fetch_offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                current_leader_epoch: partition.current_leader_epoch,
                told_high_watermark: -1,
                told_log_start: -1,
            };
            wanted.insert((name.clone(), partition.partition), want);
        }
    }
    wanted
}

async fn respond(cx: &Cx, kept: Kept, wanted: Partitions, limits: &Limits) -> FetchedResponse {
    let found = wait(cx, &wanted, limits).await;
    let bytes = found
        .iter()
        .flat_map(|(_, partition)| &partition.records)
        .map(Bytes::len)
        .sum();
    cx.broker.metrics.fetched(bytes);
    let session_id = match &kept {
        Kept::No => 0,
        Kept::New => cx.broker.sessions.start(cx.broker.env.random.next_u64(), wanted),
        Kept::Open(id, _) => *id,
    };
    let mut response = FetchedResponse {
        error_code: 0,
        session_id,
        topics: Vec::new(),
    };
    for ((name, _), partition) in found {
        if let Kept::Open(_, session) = &kept
            && !tell(session, &name, &partition)
        {
            continue;
        }
        match response.topics.last_mut() {
            Some(last) if last.name == name.name && last.id == name.id => last.partitions.push(partition),
            _ => response.topics.push(FetchedTopic {
                name: name.name,
                id: name.id,
                partitions: vec![partition],
            }),
        }
    }
    response
}

/// Whether a session's client must hear of this partition, and notes that it did.
fn tell(session: &Mutex<Session>, name: &Name, partition: &FetchedPartition) -> bool {
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(known) = session.partitions.get_mut(&(name.clone(), partition.index)) else {
        return true;
    };
    let moved = known.told_high_watermark != partition.high_watermark
        || known.told_log_start != partition.log_start_offset;
    known.told_high_watermark = partition.high_watermark;
    known.told_log_start = partition.log_start_offset;
    moved || partition.error_code != 0 || !partition.records.is_empty()
}

type Found = Vec<((Name, i32), FetchedPartition)>;

/// Looks until there is enough, something is wrong, or the time is up.
async fn wait(cx: &Cx, wanted: &Partitions, limits: &Limits) -> Found {
    let mut waiter: Option<Arc<FetchWaiter>> = None;
    loop {
        let (found, partitions) = look(cx, wanted, limits).await;
        let bytes: usize = found
            .iter()
            .flat_map(|(_, partition)| &partition.records)
            .map(Bytes::len)
            .sum();
        let failed = found.iter().any(|(_, partition)| partition.error_code != 0);
        let now = cx.broker.env.clock.monotonic();
        // A request for nothing is told at once: it only keeps its session alive.
        if bytes >= limits.min_bytes || failed || now >= limits.deadline {
            return found;
        }
        match &waiter {
            // The first time round the look came before the registration: look again.
            None => {
                let fresh = FetchWaiter::new();
                partitions.iter().for_each(|partition| partition.wait(&fresh));
                waiter = Some(fresh);
            }
            Some(registered) => {
                let timeout = cx.broker.env.clock.sleep(limits.deadline.saturating_sub(now));
                tokio::select! {
                    () = registered.woken() => {}
                    () = timeout => {}
                }
                let fresh = FetchWaiter::new();
                partitions.iter().for_each(|partition| partition.wait(&fresh));
                waiter = Some(fresh);
            }
        }
    }
}

/// One look at every partition.
async fn look(cx: &Cx, wanted: &Partitions, limits: &Limits) -> (Found, Vec<Arc<Partition>>) {
    let mut left = limits.max_bytes;
    let mut found = Vec::with_capacity(wanted.len());
    let mut partitions = Vec::with_capacity(wanted.len());
    for ((name, index), want) in wanted {
        let fetched = match open(cx, name, *index, want) {
            Ok(partition) => {
                let fetched = read(&partition, *index, want, &mut left).await;
                partitions.push(partition);
                fetched
            }
            Err(failure) => refused(*index, failure.code),
        };
        found.push(((name.clone(), *index), fetched));
    }
    (found, partitions)
}

fn open(cx: &Cx, name: &Name, index: i32, want: &Wanted) -> Result<Arc<Partition>, Failure> {
    let unknown = || {
        let by_id = !name.id.is_nil() && cx.broker.topic("", name.id).is_none();
        let error = if by_id {
            ResponseError::UnknownTopicId
        } else {
            ResponseError::UnknownTopicOrPartition
        };
        Failure::new(error, "no such topic or partition here")
    };
    let topic = cx.broker.topic(&name.name, name.id).ok_or_else(unknown)?;
    let partition = cx.broker.partition(&topic, index).ok_or_else(unknown)?;
    let epoch = want.current_leader_epoch;
    if epoch >= 0 && epoch < partition.leader_epoch() {
        return Err(Failure::new(
            ResponseError::FencedLeaderEpoch,
            "the leader has changed",
        ));
    }
    if epoch > partition.leader_epoch() {
        return Err(Failure::new(
            ResponseError::UnknownLeaderEpoch,
            "the leader epoch is not known yet",
        ));
    }
    Ok(partition)
}

fn refused(index: i32, error_code: i16) -> FetchedPartition {
    FetchedPartition {
        index,
        error_code,
        high_watermark: -1,
        log_start_offset: -1,
        records: Vec::new(),
    }
}

async fn read(partition: &Partition, index: i32, want: &Wanted, left: &mut usize) -> FetchedPartition {
    let offsets = partition.offsets();
    // What is spent is spent; the first batch of all comes whole whatever its size.
    let limit = usize::try_from(want.max_bytes).unwrap_or(0).min(*left);
    if *left == 0 {
        return FetchedPartition {
            index,
            error_code: 0,
            high_watermark: offsets.high_watermark,
            log_start_offset: offsets.log_start,
            records: Vec::new(),
        };
    }
    match partition.fetch(want.fetch_offset, limit).await {
        Ok(fetched) => {
            *left = left.saturating_sub(fetched.slices.bytes);
            FetchedPartition {
                index,
                error_code: 0,
                high_watermark: fetched.high_watermark,
                log_start_offset: fetched.log_start_offset,
                records: fetched.slices.chunks,
            }
        }
        Err(error) => {
            let refused = refused(index, Failure::from(error).code);
            FetchedPartition {
                log_start_offset: offsets.log_start,
                ..refused
            }
        }
    }
}
