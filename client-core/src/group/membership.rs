//! The task that keeps a member in its group: joins, stays, gives up and takes up partitions, leaves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tidemill_wire::kafka::messages::LeaveGroupRequest;
use tidemill_wire::kafka::messages::leave_group_request::MemberIdentity;
use tokio::time::Instant;

use super::builder::GroupSettings;
use super::shared::Shared;
use super::{GroupConsumer, GroupEvent, GroupProtocol, classic, next_generation};
use crate::admin::TopicPartition;
use crate::cluster::{Cluster, group_id, text};
use crate::connection::{Backoff, Connection, after};
use crate::consumer::{Consumer, FetchSettings, State, start_fetcher};
use crate::error::{Error, Result};

/// How long leaving may take when nobody waits for it.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts a member.
pub(super) fn start(cluster: Arc<Cluster>, fetch: FetchSettings, settings: GroupSettings) -> GroupConsumer {
    let fetching = start_fetcher(cluster.clone(), fetch, State::default());
    let shared = Arc::new(Shared::new(cluster, settings, fetching.clone()));
    tokio::spawn(run(shared.clone()));
    GroupConsumer {
        consumer: Consumer::new(fetching),
        shared,
    }
}

async fn run(shared: Arc<Shared>) {
    let mut backoff = Backoff::for_brokers();
    while !shared.is_stopping() {
        // One stay in the group: from joining until it must join again.
        let outcome = match shared.settings.protocol {
            GroupProtocol::Classic => classic::stay(&shared).await,
            GroupProtocol::Consumer => next_generation::stay(&shared).await,
        };
        match outcome {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::debug!(group = shared.settings.id, %error, "membership interrupted");
                let fatal = !error.is_retriable();
                if fatal {
                    shared.fail(error);
                }
                let rest = if fatal {
                    Duration::from_secs(1)
                } else {
                    backoff.next_delay()
                };
                if !shared.is_stopping() {
                    // A stop ends the rest early.
                    let _ = tokio::time::timeout(rest, shared.polled.notified()).await;
                }
            }
        }
    }
    if let Err(error) = tokio::time::timeout(LEAVE_TIMEOUT, leave(&shared))
        .await
        .unwrap_or(Ok(()))
    {
        tracing::debug!(group = shared.settings.id, %error, "could not leave the group");
    }
    shared.fetching.stop();
    shared.end();
}

async fn leave(shared: &Shared) -> Result<()> {
    let member = shared.lock().member.clone();
    if member.id.is_empty() {
        return Ok(());
    }
    if shared.settings.protocol == GroupProtocol::Consumer {
        return next_generation::leave(shared, &member).await;
    }
    if member.instance_id.is_some() {
        // A static member keeps its place until the session timeout.
        return Ok(());
    }
    let connection = shared.coordinator().await?;
    // Up to version 2 the member stands alone, from 3 on in a list.
    let version = connection.versions().pick::<LeaveGroupRequest>()?;
    let request = LeaveGroupRequest::default().with_group_id(group_id(&shared.settings.id));
    let request = if version < 3 {
        request.with_member_id(text(&member.id))
    } else {
        request.with_members(vec![MemberIdentity::default().with_member_id(text(&member.id))])
    };
    connection
        .call_version(&request, version, LEAVE_TIMEOUT)
        .await
        .map(|_| ())
}

/// Waits until the reader is between two batches and stops handing out. Heartbeats every `every` meanwhile.
/// After the rebalance timeout does not wait on: answers `false`, and the group will have gone on without us.
pub(super) async fn until_idle(shared: &Shared, connection: &Connection, every: Duration) -> Result<bool> {
    let give_up = after(shared.settings.rebalance_timeout);
    let mut next_beat = Instant::now() + every;
    loop {
        if shared.is_stopping() || shared.try_begin_rebalance() {
            return Ok(true);
        }
        let now = Instant::now();
        if now >= give_up {
            shared.force_rebalance();
            return Ok(false);
        }
        if now >= next_beat {
            match shared.settings.protocol {
                GroupProtocol::Classic => classic::beat_while_rebalancing(shared, connection).await?,
                GroupProtocol::Consumer => next_generation::beat(shared, connection).await?,
            }
            next_beat = Instant::now() + every;
        }
        // Whichever comes first; the loop looks at both.
        let _ = tokio::time::timeout_at(next_beat.min(give_up), shared.polled.notified()).await;
    }
}

/// With auto-commit, commits what is processed before partitions are given up. A failure is told to nobody but the log:
/// whoever reads on will read some records twice.
pub(super) async fn commit_before_giving_up(shared: &Shared) {
    // The group waits for us: do not insist.
    if let Err(error) = auto_commit(shared, Duration::from_secs(5)).await {
        tracing::warn!(group = shared.settings.id, %error, "commit before giving up partitions failed");
    }
}

/// With auto-commit, commits what is processed. Whoever calls has heartbeats to send, and does not wait for longer
/// than `patience` however often the commit must be tried again.
pub(super) async fn auto_commit(shared: &Shared, patience: Duration) -> Result<()> {
    if shared.settings.auto_commit.is_none() {
        return Ok(());
    }
    let late = |_| {
        Err(Error::timeout(format!(
            "the commit took longer than {patience:?}"
        )))
    };
    tokio::time::timeout(patience, shared.commit_processed())
        .await
        .unwrap_or_else(late)
}

/// Everything this member reads is no longer its own.
pub(super) fn lose_all(shared: &Shared) {
    let owned: BTreeSet<TopicPartition> = shared.lock().owned.clone();
    shared.give_up(&owned, GroupEvent::Lost);
}
