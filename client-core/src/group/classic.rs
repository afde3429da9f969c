//! The classic group protocol: join, sync, heartbeat (KIP-62, KIP-345, KIP-394, KIP-429).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidemill_wire::kafka::messages::join_group_request::JoinGroupRequestProtocol;
use tidemill_wire::kafka::messages::sync_group_request::SyncGroupRequestAssignment;
use tidemill_wire::kafka::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest,
};
use tokio::time::Instant;

use super::assignor::{Members, Subscription};
use super::membership::{auto_commit, commit_before_giving_up, lose_all, until_idle};
use super::shared::Shared;
use super::{Assignor, GroupEvent, protocol};
use crate::admin::TopicPartition;
use crate::cluster::{group_id, text};
use crate::connection::{Connection, after};
use crate::error::{Error, Result};

const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
const MEMBER_ID_REQUIRED: i16 = 79;
const FENCED_INSTANCE_ID: i16 = 82;
/// How much longer than the rebalance timeout an answer is waited for.
const GRACE: Duration = Duration::from_secs(10);
/// How often the leader looks whether topics have grown.
const METADATA_AGE: Duration = Duration::from_secs(60);

/// Joins, and stays until the group rebalances. `Ok` means: join again.
pub(super) async fn stay(shared: &Shared) -> Result<()> {
    let connection = shared.coordinator().await?;
    let outcome = stay_with(shared, &connection).await;
    shared.end_rebalance();
    if let Err(error) = &outcome {
        match error.kafka_code() {
            Some(ILLEGAL_GENERATION) => {
                lose_all(shared);
                return Ok(());
            }
            Some(UNKNOWN_MEMBER_ID) => {
                lose_all(shared);
                let member = &mut shared.lock().member;
                member.id.clear();
                member.generation = -1;
                return Ok(());
            }
            Some(REBALANCE_IN_PROGRESS) => return Ok(()),
            Some(FENCED_INSTANCE_ID) => lose_all(shared),
            _ => {}
        }
    }
    outcome
}

async fn stay_with(shared: &Shared, connection: &Connection) -> Result<()> {
    let every = heartbeat_interval(shared);
    let in_time = until_idle(shared, connection, every).await?;
    if shared.is_stopping() {
        return Ok(());
    }
    if in_time {
        commit_before_giving_up(shared).await
    } else {
        lose_all(shared)
    }
    if shared.settings.assignor != Assignor::CooperativeSticky {
        let owned = shared.lock().owned.clone();
        shared.give_up(&owned, GroupEvent::Revoked);
    }
    let joined = join(shared, connection).await?;
    let assigned = sync(shared, connection, &joined).await?;
    let owned = shared.lock().owned.clone();
    let revoked: BTreeSet<TopicPartition> = owned.difference(&assigned).cloned().collect();
    shared.give_up(&revoked, GroupEvent::Revoked);
    shared
        .take_up(&assigned.difference(&owned).cloned().collect())
        .await?;
    shared.end_rebalance();
    if !revoked.is_empty() {
        // Cooperative: what was given up is handed over in the round that begins now.
        return Ok(());
    }
    let leads = joined.leader == joined.member_id;
    heartbeats(shared, connection, every, leads).await
}

/// Keeps the session alive until this member is ready to join again.
pub(super) async fn beat_while_rebalancing(shared: &Shared, connection: &Connection) -> Result<()> {
    if shared.lock().member.generation < 0 {
        return Ok(());
    }
    match heartbeat(shared, connection).await {
        Err(error) if error.kafka_code() == Some(REBALANCE_IN_PROGRESS) => Ok(()),
        outcome => outcome,
    }
}

fn heartbeat_interval(shared: &Shared) -> Duration {
    (shared.settings.session_timeout / 10).clamp(Duration::from_millis(100), Duration::from_secs(3))
}

async fn heartbeats(shared: &Shared, connection: &Connection, every: Duration, leads: bool) -> Result<()> {
    let counts = partition_counts(shared, &shared.settings.topics);
    let mut next_beat = Instant::now() + every;
    let mut next_look = Instant::now() + METADATA_AGE;
    let commit_every = shared.settings.auto_commit.unwrap_or(Duration::MAX);
    let mut next_commit = after(commit_every);
    loop {
        let _ = tokio::time::timeout_at(next_beat.min(next_commit), shared.polled.notified()).await;
        if shared.is_stopping() {
            return Ok(());
        }
        let now = Instant::now();
        if now >= next_beat {
            heartbeat(shared, connection).await?;
            next_beat = Instant::now() + every;
        }
        if now >= next_commit {
            // The next heartbeat is due long before the session ends.
            if let Err(error) = auto_commit(shared, shared.settings.session_timeout / 3).await {
                tracing::warn!(group = shared.settings.id, %error, "auto-commit failed; it is tried again");
            }
            next_commit = after(commit_every);
        }
        if leads && now >= next_look {
            refresh(shared, &shared.settings.topics).await?;
            if partition_counts(shared, &shared.settings.topics) != counts {
                return Ok(());
            }
            next_look = Instant::now() + METADATA_AGE;
        }
    }
}

fn failed(shared: &Shared, what: &str, code: i16) -> Error {
    let error = Error::from_code(code, &format!("{what} group {:?}", shared.settings.id), None);
    // Joining again mends these; the caller knows them by their codes.
    let again = matches!(
        code,
        ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | REBALANCE_IN_PROGRESS | MEMBER_ID_REQUIRED
    );
    if again { error.with_retriable(true) } else { error }
}

async fn heartbeat(shared: &Shared, connection: &Connection) -> Result<()> {
    let member = shared.lock().member.clone();
    let request = HeartbeatRequest::default()
        .with_group_id(group_id(&shared.settings.id))
        .with_member_id(text(&member.id))
        .with_generation_id(member.generation)
        .with_group_instance_id(member.instance_id.as_deref().map(text));
    let response = connection.call(&request, shared.settings.session_timeout).await?;
    if response.error_code == 0 {
        Ok(())
    } else {
        Err(failed(shared, "staying in", response.error_code))
    }
}

async fn join(shared: &Shared, connection: &Connection) -> Result<JoinGroupResponse> {
    loop {
        let (member, owned) = {
            let state = shared.lock();
            (
                state.member.clone(),
                state.owned.iter().cloned().collect::<Vec<_>>(),
            )
        };
        let subscription = Subscription {
            topics: shared.settings.topics.clone(),
            owned,
            generation: member.generation,
        };
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text(shared.settings.assignor.name()))
            .with_metadata(protocol::encode_subscription(&subscription)?);
        let millis = |duration: Duration| i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(&shared.settings.id))
            .with_member_id(text(&member.id))
            .with_group_instance_id(member.instance_id.as_deref().map(text))
            .with_session_timeout_ms(millis(shared.settings.session_timeout))
            .with_rebalance_timeout_ms(millis(shared.settings.rebalance_timeout))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        // The coordinator answers when every member is there, or the rebalance timeout is over.
        let deadline = shared.settings.rebalance_timeout.saturating_add(GRACE);
        let call = connection.call(&request, deadline);
        let Some(response) = unless_stopping(shared, call).await else {
            return Err(Error::cancelled("the member was closed while joining").with_retriable(true));
        };
        let response = response?;
        match response.error_code {
            0 => {
                let mut state = shared.lock();
                state.member.id = response.member_id.to_string();
                state.member.generation = response.generation_id;
                return Ok(response);
            }
            MEMBER_ID_REQUIRED => shared.lock().member.id = response.member_id.to_string(),
            code => return Err(failed(shared, "joining", code)),
        }
    }
}

/// Runs `call` unless the member is closed meanwhile.
async fn unless_stopping<T>(shared: &Shared, call: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(call);
    loop {
        tokio::select! {
            answer = &mut call => return Some(answer),
            () = shared.polled.notified() => if shared.is_stopping() { return None },
        }
    }
}

async fn sync(
    shared: &Shared,
    connection: &Connection,
    joined: &JoinGroupResponse,
) -> Result<BTreeSet<TopicPartition>> {
    let leads = joined.leader == joined.member_id && !joined.skip_assignment;
    let assignments = if leads {
        divide(shared, joined).await?
    } else {
        Vec::new()
    };
    let name = joined
        .protocol_name
        .clone()
        .unwrap_or_else(|| text(shared.settings.assignor.name()));
    let request = SyncGroupRequest::default()
        .with_group_id(group_id(&shared.settings.id))
        .with_member_id(joined.member_id.clone())
        .with_generation_id(joined.generation_id)
        .with_group_instance_id(shared.settings.instance_id.as_deref().map(text))
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(name))
        .with_assignments(assignments);
    let response = connection
        .call(&request, shared.settings.rebalance_timeout.saturating_add(GRACE))
        .await?;
    match response.error_code {
        0 => protocol::decode_assignment(response.assignment),
        code => Err(failed(shared, "getting the assignment of", code)),
    }
}

/// The leader's part: who reads what.
async fn divide(shared: &Shared, joined: &JoinGroupResponse) -> Result<Vec<SyncGroupRequestAssignment>> {
    let mut members = Members::new();
    for member in &joined.members {
        members.insert(
            member.member_id.to_string(),
            protocol::decode_subscription(member.metadata.clone())?,
        );
    }
    let topics: BTreeSet<Arc<str>> = members
        .values()
        .flat_map(|member| member.topics.iter().cloned())
        .collect();
    refresh(shared, &topics).await?;
    let name = joined.protocol_name.as_ref().map_or("", |name| name.as_str());
    let assignor = Assignor::from_name(name).unwrap_or(shared.settings.assignor);
    let assignment = assignor.assign(&members, &partition_counts(shared, &topics));
    let entry = |(member, partitions): (&String, &BTreeSet<TopicPartition>)| {
        let bytes: Bytes = protocol::encode_assignment(partitions)?;
        Ok(SyncGroupRequestAssignment::default()
            .with_member_id(text(member))
            .with_assignment(bytes))
    };
    assignment.iter().map(entry).collect()
}

async fn refresh(shared: &Shared, topics: &BTreeSet<Arc<str>>) -> Result<()> {
    let names: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
    shared.cluster.refresh(&names).await.map(|_| ())
}

fn partition_counts(shared: &Shared, topics: &BTreeSet<Arc<str>>) -> BTreeMap<Arc<str>, i32> {
    let count = |topic: &Arc<str>| {
        Some((
            topic.clone(),
            shared.cluster.known_topic(topic)?.partition_count(),
        ))
    };
    topics.iter().filter_map(count).collect()
}
