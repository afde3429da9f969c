//! The consumer group protocol in which the broker assigns (KIP-848).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tidemill_wire::kafka::messages::consumer_group_heartbeat_request::TopicPartitions;
use tidemill_wire::kafka::messages::consumer_group_heartbeat_response::Assignment;
use tidemill_wire::kafka::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use tokio::time::Instant;
use uuid::Uuid;

use super::GroupEvent;
use super::membership::{auto_commit, commit_before_giving_up, lose_all, until_idle};
use super::shared::Shared;
use crate::admin::TopicPartition;
use crate::cluster::{Member, group_id, text, topic_name};
use crate::connection::{Connection, after, random_u64};
use crate::error::{Error, Result};

const UNKNOWN_MEMBER_ID: i16 = 25;
const FENCED_MEMBER_EPOCH: i16 = 110;
/// What a member says instead of its epoch when it leaves: for good, or as a static member for a while.
const LEAVING: i32 = -1;
const LEAVING_FOR_NOW: i32 = -2;

/// Joins, and stays. `Ok` means: join again.
pub(super) async fn stay(shared: &Shared) -> Result<()> {
    let connection = shared.coordinator().await?;
    let outcome = stay_with(shared, &connection).await;
    shared.end_rebalance();
    if let Err(error) = &outcome
        && matches!(error.kafka_code(), Some(UNKNOWN_MEMBER_ID | FENCED_MEMBER_EPOCH))
    {
        lose_all(shared);
        shared.lock().member.generation = 0;
        return Ok(());
    }
    outcome
}

async fn stay_with(shared: &Shared, connection: &Connection) -> Result<()> {
    {
        let mut state = shared.lock();
        if state.member.id.is_empty() {
            state.member.id = Uuid::from_u64_pair(random_u64(), random_u64()).to_string();
        }
        state.member.generation = state.member.generation.max(0);
    }
    let mut full = true;
    let commit_every = shared.settings.auto_commit.unwrap_or(Duration::MAX);
    let mut next_commit = after(commit_every);
    loop {
        let answer = heartbeat(shared, connection, full).await?;
        full = false;
        let every = Duration::from_millis(u64::try_from(answer.heartbeat_interval_ms).unwrap_or(0).max(100));
        let changed = match &answer.assignment {
            Some(assignment) => reconcile(shared, connection, assignment, every).await?,
            None => false,
        };
        if changed {
            // Say at once what was given up and taken up, so that the others can go on.
            full = true;
            continue;
        }
        let next_beat = Instant::now() + every;
        while Instant::now() < next_beat {
            let _ = tokio::time::timeout_at(next_beat.min(next_commit), shared.polled.notified()).await;
            if shared.is_stopping() {
                return Ok(());
            }
            if Instant::now() >= next_commit {
                next_commit = after(commit_every);
                if let Err(error) = auto_commit(shared, every).await {
                    tracing::warn!(group = shared.settings.id, %error, "auto-commit failed; it is tried again");
                }
            }
        }
    }
}

/// Keeps the session alive while this member cannot give up partitions yet.
pub(super) async fn beat(shared: &Shared, connection: &Connection) -> Result<()> {
    heartbeat(shared, connection, false).await.map(|_| ())
}

/// Makes what is read match the target. Answers whether anything changed.
async fn reconcile(
    shared: &Shared,
    connection: &Connection,
    assignment: &Assignment,
    every: Duration,
) -> Result<bool> {
    let target = named(shared, assignment).await?;
    let owned = shared.lock().owned.clone();
    let revoked: BTreeSet<TopicPartition> = owned.difference(&target).cloned().collect();
    let added: BTreeSet<TopicPartition> = target.difference(&owned).cloned().collect();
    if !revoked.is_empty() {
        if until_idle(shared, connection, every).await? {
            commit_before_giving_up(shared).await;
            shared.give_up(&revoked, GroupEvent::Revoked);
        } else {
            lose_all(shared);
            shared.lock().member.generation = 0;
            return Ok(true);
        }
    }
    shared.take_up(&added).await?;
    shared.end_rebalance();
    Ok(!revoked.is_empty() || !added.is_empty())
}

/// The assignment with topics by name. Ids this client does not know yet are asked for.
async fn named(shared: &Shared, assignment: &Assignment) -> Result<BTreeSet<TopicPartition>> {
    let names: Vec<&str> = shared.settings.topics.iter().map(AsRef::as_ref).collect();
    let known = |id: Uuid| -> Option<Arc<str>> {
        let name = shared.settings.topics.iter().find(|name| {
            shared
                .cluster
                .known_topic(name)
                .is_some_and(|topic| topic.id == id)
        });
        name.cloned()
    };
    if assignment
        .topic_partitions
        .iter()
        .any(|topic| known(topic.topic_id).is_none())
    {
        shared.cluster.refresh(&names).await?;
    }
    let mut target = BTreeSet::new();
    for topic in &assignment.topic_partitions {
        let Some(name) = known(topic.topic_id) else {
            return Err(Error::unavailable(format!(
                "assigned a topic of unknown id {}",
                topic.topic_id
            )));
        };
        target.extend(topic.partitions.iter().map(|&partition| TopicPartition {
            topic: name.clone(),
            partition,
        }));
    }
    Ok(target)
}

/// `full` tells everything about the member, as the first heartbeat and one after a change must.
async fn heartbeat(
    shared: &Shared,
    connection: &Connection,
    full: bool,
) -> Result<ConsumerGroupHeartbeatResponse> {
    let (member, owned) = {
        let state = shared.lock();
        (state.member.clone(), state.owned.clone())
    };
    let joining = member.generation == 0;
    let mut request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(&shared.settings.id))
        .with_member_id(text(&member.id))
        .with_member_epoch(member.generation)
        .with_instance_id(member.instance_id.as_deref().map(text))
        .with_rebalance_timeout_ms(-1)
        .with_subscribed_topic_names(None)
        .with_topic_partitions(None);
    if full || joining {
        let timeout = i32::try_from(shared.settings.rebalance_timeout.as_millis()).unwrap_or(i32::MAX);
        request = request
            .with_rebalance_timeout_ms(timeout)
            .with_subscribed_topic_names(Some(
                shared
                    .settings
                    .topics
                    .iter()
                    .map(|topic| topic_name(topic))
                    .collect(),
            ))
            .with_topic_partitions(Some(by_id(shared, &owned)));
    }
    let response = connection
        .call(&request, shared.cluster.settings().request_timeout)
        .await?;
    if response.error_code != 0 {
        let what = format!("staying in group {:?}", shared.settings.id);
        let error = Error::from_code(response.error_code, &what, response.error_message.as_deref());
        return Err(error);
    }
    let mut state = shared.lock();
    state.member.generation = response.member_epoch;
    if let Some(id) = &response.member_id {
        state.member.id = id.to_string();
    }
    drop(state);
    Ok(response)
}

fn by_id(shared: &Shared, owned: &BTreeSet<TopicPartition>) -> Vec<TopicPartitions> {
    let mut topics: Vec<TopicPartitions> = Vec::new();
    for partition in owned {
        let Some(id) = shared.cluster.known_topic(&partition.topic).map(|topic| topic.id) else {
            continue;
        };
        match topics.iter_mut().find(|topic| topic.topic_id == id) {
            Some(topic) => topic.partitions.push(partition.partition),
            None => {
                let first = vec![partition.partition];
                topics.push(
                    TopicPartitions::default()
                        .with_topic_id(id)
                        .with_partitions(first),
                );
            }
        }
    }
    topics
}

/// Says goodbye.
pub(super) async fn leave(shared: &Shared, member: &Member) -> Result<()> {
    let epoch = if member.instance_id.is_some() {
        LEAVING_FOR_NOW
    } else {
        LEAVING
    };
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(&shared.settings.id))
        .with_member_id(text(&member.id))
        .with_instance_id(member.instance_id.as_deref().map(text))
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(-1)
        .with_subscribed_topic_names(None)
        .with_topic_partitions(None);
    let connection = shared.coordinator().await?;
    connection
        .call(&request, shared.cluster.settings().request_timeout)
        .await
        .map(|_| ())
}
