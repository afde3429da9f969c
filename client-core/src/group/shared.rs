//! What the reader and the membership task share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::GroupEvent;
use super::builder::GroupSettings;
use crate::admin::TopicPartition;
use crate::cluster::{Cluster, Committed, Member};
use crate::connection::{Connection, Pool};
use crate::consumer::{Consumer, Records, Shared as Fetching, Start};
use crate::error::{Error, Result};

pub(super) struct Shared {
    pub(super) cluster: Arc<Cluster>,
    pub(super) settings: GroupSettings,
    pub(super) fetching: Arc<Fetching>,
    pub(super) pool: Pool,
    state: Mutex<GroupState>,
    /// The reader has come back, or the member is to stop.
    pub(super) polled: Notify,
    stopping: AtomicBool,
    has_stopped: AtomicBool,
    ended: Notify,
}

pub(super) struct GroupState {
    pub(super) member: Member,
    pub(super) owned: BTreeSet<TopicPartition>,
    pub(super) events: VecDeque<GroupEvent>,
    failure: Option<Error>,
    /// The reader holds records it has not said it is done with.
    processing: bool,
    /// Partitions are changing hands: nothing is handed out.
    rebalancing: bool,
    /// What was handed out last, until the reader comes back.
    last: Option<(TopicPartition, i64)>,
    /// Of each partition the offset after the last processed record.
    processed: BTreeMap<TopicPartition, i64>,
    committed: BTreeMap<TopicPartition, i64>,
}

impl Shared {
    pub(super) fn new(cluster: Arc<Cluster>, settings: GroupSettings, fetching: Arc<Fetching>) -> Self {
        let member = Member {
            id: String::new(),
            generation: -1,
            instance_id: settings.instance_id.clone(),
        };
        let state = GroupState {
            member,
            owned: BTreeSet::new(),
            events: VecDeque::new(),
            failure: None,
            processing: false,
            rebalancing: false,
            last: None,
            processed: BTreeMap::new(),
            committed: BTreeMap::new(),
        };
        Self {
            pool: cluster.settings().pool(),
            cluster,
            settings,
            fetching,
            state: Mutex::new(state),
            polled: Notify::new(),
            stopping: AtomicBool::new(false),
            has_stopped: AtomicBool::new(false),
            ended: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The reader's side.

    pub(super) fn processed_all(&self) {
        let mut state = self.lock();
        state.processing = false;
        if let Some((partition, offset)) = state.last.take() {
            state.processed.insert(partition, offset);
        }
        drop(state);
        self.polled.notify_one();
    }

    /// The reader gives back what it was handed last.
    pub(super) fn unprocessed_last(&self) {
        let mut state = self.lock();
        state.processing = false;
        state.last = None;
        drop(state);
        self.polled.notify_one();
    }

    /// Records at hand, if partitions are not changing hands.
    pub(super) fn hand_out(&self, consumer: &mut Consumer, max_records: usize) -> Result<Option<Records>> {
        let mut state = self.lock();
        if let Some(error) = state.failure.take() {
            return Err(error);
        }
        if state.rebalancing {
            return Ok(None);
        }
        let records = consumer.take_ready(max_records)?;
        if let Some(records) = &records {
            let partition = TopicPartition {
                topic: records.topic().clone(),
                partition: records.partition(),
            };
            state.processing = true;
            state.last = Some((partition, records.next_offset()));
        }
        Ok(records)
    }

    /// Of each partition the offset after the last record handed out.
    pub(super) fn handed_out(&self) -> Vec<(TopicPartition, i64)> {
        let state = self.lock();
        let mut offsets = state.processed.clone();
        offsets.extend(state.last.clone());
        offsets
            .into_iter()
            .filter(|(partition, _)| state.owned.contains(partition))
            .collect()
    }

    // Committing.

    /// The connection to the coordinator.
    pub(super) async fn coordinator(&self) -> Result<Arc<Connection>> {
        let id = self.cluster.find_coordinator(&self.settings.id).await?;
        self.pool.get(&self.cluster.broker_address(id).await?).await
    }

    pub(super) async fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Committed> = offsets
            .iter()
            .map(|(partition, offset)| Committed {
                topic: partition.topic.clone(),
                partition: partition.partition,
                offset: *offset,
                metadata: String::new(),
            })
            .collect();
        self.cluster
            .retrying(|| async {
                // A member id or epoch may change between attempts.
                let member = self.lock().member.clone();
                let connection = self.coordinator().await?;
                let outcome = self
                    .cluster
                    .commit(&connection, &self.settings.id, &member, &wanted)
                    .await;
                outcome.map_err(|error| self.retry_stale(error))
            })
            .await?;
        self.lock().committed.extend(offsets.iter().cloned());
        Ok(())
    }

    /// A commit with an old member epoch (KIP-848) is to be sent again with the new one.
    fn retry_stale(&self, error: Error) -> Error {
        const STALE_MEMBER_EPOCH: i16 = 113;
        let stale = error.kafka_code() == Some(STALE_MEMBER_EPOCH);
        if stale { error.with_retriable(true) } else { error }
    }

    /// Commits what is processed and not committed yet.
    pub(super) async fn commit_processed(&self) -> Result<()> {
        let offsets: Vec<(TopicPartition, i64)> = {
            let state = self.lock();
            let news = |(partition, offset): &(&TopicPartition, &i64)| {
                state.owned.contains(*partition) && state.committed.get(*partition) != Some(*offset)
            };
            state
                .processed
                .iter()
                .filter(news)
                .map(|(partition, offset)| (partition.clone(), *offset))
                .collect()
        };
        self.commit(&offsets).await
    }

    // The membership task's side.

    /// Stops handing out, if the reader is not in the middle of something.
    pub(super) fn try_begin_rebalance(&self) -> bool {
        let mut state = self.lock();
        state.rebalancing = !state.processing;
        state.rebalancing
    }

    /// Stops handing out although the reader is in the middle of something.
    pub(super) fn force_rebalance(&self) {
        self.lock().rebalancing = true;
    }

    pub(super) fn end_rebalance(&self) {
        self.lock().rebalancing = false;
        self.fetching.arrived.notify_waiters();
    }

    /// Stops reading `partitions`.
    pub(super) fn give_up(
        &self,
        partitions: &BTreeSet<TopicPartition>,
        event: fn(Vec<TopicPartition>) -> GroupEvent,
    ) {
        if partitions.is_empty() {
            return;
        }
        let mut state = self.lock();
        for partition in partitions {
            state.owned.remove(partition);
            state.processed.remove(partition);
            state.committed.remove(partition);
            self.fetching
                .lock()
                .unassign(&partition.topic, partition.partition);
        }
        state.last = state
            .last
            .take()
            .filter(|(partition, _)| !partitions.contains(partition));
        state
            .events
            .push_back(event(partitions.iter().cloned().collect()));
        drop(state);
        self.fetching.wake.notify_one();
    }

    /// Begins to read `partitions` where the group left off.
    pub(super) async fn take_up(&self, partitions: &BTreeSet<TopicPartition>) -> Result<()> {
        if partitions.is_empty() {
            return Ok(());
        }
        let asked: Vec<(Arc<str>, i32)> = partitions
            .iter()
            .map(|p| (p.topic.clone(), p.partition))
            .collect();
        let committed = self.cluster.committed(&self.settings.id, Some(&asked)).await?;
        let mut state = self.lock();
        for (topic, partition) in asked {
            let known = committed
                .iter()
                .find(|c| c.topic == topic && c.partition == partition);
            let start = known.map_or(self.settings.start, |committed| Start::Offset(committed.offset));
            self.fetching.lock().assign(topic.clone(), partition, start);
            state.owned.insert(TopicPartition { topic, partition });
        }
        state
            .events
            .push_back(GroupEvent::Assigned(partitions.iter().cloned().collect()));
        drop(state);
        self.fetching.wake.notify_one();
        Ok(())
    }

    pub(super) fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.fetching.arrived.notify_waiters();
    }

    // The end.

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.polled.notify_one();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.has_stopped.store(true, Ordering::Release);
        self.ended.notify_waiters();
    }

    pub(super) async fn stopped(&self, until: Instant) {
        let ended = self.ended.notified();
        tokio::pin!(ended);
        ended.as_mut().enable();
        if !self.has_stopped.load(Ordering::Acquire) {
            // Past the deadline the task is left to end by itself.
            let _ = tokio::time::timeout_at(until, ended).await;
        }
    }
}
