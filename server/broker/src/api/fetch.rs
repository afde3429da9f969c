//! Fetch: records out. A long poll waits on all its partitions at once and is woken by a commit.

mod poll;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidemill_wire::fetch;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::{ApiKey, FetchRequest};
use uuid::Uuid;

use super::Cx;
use crate::net::{Frames, Piece};
use crate::session::{MOST_PARTITIONS, Named, Session, SessionError, Told, Wanted, Wishes};
use poll::{Found, Limits};

type FetchedPartition = fetch::FetchedPartition<Piece>;
type FetchedTopic = fetch::FetchedTopic<Piece>;
type FetchedResponse = fetch::FetchedResponse<Piece>;

/// First version that names topics by id.
const BY_ID: i16 = 13;
/// First version with sessions.
const SESSIONS: i16 = 7;

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
    let most = usize::try_from(request.max_bytes).unwrap_or(0);
    let limits = Limits {
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
        max_bytes: most.min(cx.broker.config.fetch_max_bytes),
        deadline: begin + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
    };
    let response = match resume(&cx, &request) {
        Ok((kept, wishes)) => {
            let found = poll::poll(&cx, &wishes, &limits).await;
            respond(&cx, kept, wishes, found)
        }
        Err(error) => FetchedResponse {
            error_code: error.code(),
            ..FetchedResponse::default()
        },
    };
    let took = cx.broker.env.clock.monotonic().saturating_sub(begin);
    cx.broker.metrics.answered(ApiKey::Fetch, took);
    Some(fetch::encode(cx.version, cx.correlation_id, &response))
}

/// Finds what is wanted: named in the request, or remembered by the session.
fn resume(cx: &Cx, request: &FetchRequest) -> Result<(Kept, Wishes), ResponseError> {
    let wishes = wishes(cx, request);
    if cx.version < SESSIONS || request.session_epoch <= 0 {
        cx.broker.sessions.close(request.session_id);
        let wanted = cx.version >= SESSIONS && request.session_epoch == 0;
        let kept = if wanted && wishes.len() <= MOST_PARTITIONS {
            Kept::New
        } else {
            Kept::No
        };
        return Ok((kept, wishes));
    }
    let session = cx
        .broker
        .sessions
        .resume(request.session_id, request.session_epoch);
    let session = session.map_err(|error| match error {
        SessionError::NotFound => ResponseError::FetchSessionIdNotFound,
        SessionError::WrongEpoch => ResponseError::InvalidFetchSessionEpoch,
    })?;
    let forgotten = request.forgotten_topics_data.iter().flat_map(|topic| {
        let name = Arc::from(name(cx, &topic.topic));
        topic
            .partitions
            .iter()
            .map(move |index| named(cx, &name, topic.topic_id, *index))
    });
    let wishes = {
        let mut open = session.lock().unwrap_or_else(PoisonError::into_inner);
        open.change(forgotten, wishes);
        open.wishes()
    };
    Ok((Kept::Open(request.session_id, session), wishes))
}

/// The name that counts: none where topics are named by id.
fn name<'a>(cx: &Cx, name: &'a str) -> &'a str {
    if cx.version >= BY_ID { "" } else { name }
}

fn named(cx: &Cx, name: &Arc<str>, id: Uuid, index: i32) -> Named {
    let id = if cx.version >= BY_ID { id } else { Uuid::nil() };
    Named {
        name: Arc::clone(name),
        id,
        index,
    }
}

fn wishes(cx: &Cx, request: &FetchRequest) -> Wishes {
    let mut wishes = Wishes::new();
    for topic in &request.topics {
        let name = Arc::from(name(cx, &topic.topic));
        wishes.extend(topic.partitions.iter().map(|partition| {
            let wanted = Wanted {
                fetch_offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                current_leader_epoch: partition.current_leader_epoch,
            };
            (named(cx, &name, topic.topic_id, partition.partition), wanted)
        }));
    }
    wishes
}

fn respond(cx: &Cx, kept: Kept, wishes: Wishes, found: Found) -> FetchedResponse {
    // A new session's client is told all; one that goes on, what is news.
    let (session_id, session, all) = match kept {
        Kept::No => (0, None, true),
        Kept::New => {
            let (id, session) = cx.broker.sessions.start(cx.broker.env.random.next_u64(), wishes);
            (id, Some(session), true)
        }
        Kept::Open(id, session) => (id, Some(session), false),
    };
    let mut session = session
        .as_ref()
        .map(|session| session.lock().unwrap_or_else(PoisonError::into_inner));
    let mut topics: Vec<FetchedTopic> = Vec::new();
    for (name, partition) in found {
        let bytes = partition.size();
        if partition.error_code != 0 {
            cx.broker.metrics.failed(ApiKey::Fetch, partition.error_code);
        }
        if let Some(session) = &mut session {
            let told = Told {
                high_watermark: partition.high_watermark,
                log_start: partition.log_start_offset,
            };
            let news = session.tell(&name, told, bytes > 0);
            if !(all || news || bytes > 0 || partition.error_code != 0) {
                continue;
            }
        }
        add(&mut topics, name, partition);
    }
    FetchedResponse {
        error_code: 0,
        session_id,
        topics,
    }
}

/// Partitions of one topic come one after the other, save where a session's turn begins within it.
fn add(topics: &mut Vec<FetchedTopic>, name: Named, partition: FetchedPartition) {
    match topics.last_mut() {
        Some(last) if *last.name == *name.name && last.id == name.id => last.partitions.push(partition),
        _ => topics.push(FetchedTopic {
            name: name.name.to_string(),
            id: name.id,
            partitions: vec![partition],
        }),
    }
}
