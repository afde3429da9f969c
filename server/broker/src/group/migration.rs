//! Groups that go over from one protocol to the other, with members and without (KIP-848).

use tidemill_wire::kafka::error::ResponseError;

use super::classic::{Effects, JoinReply, JoinRequest, SyncReply, SyncRequest};
use super::config::MigrationPolicy;
use super::consumer::{ConsumerGroup, HeartbeatReply, HeartbeatRequest, Refusal};
use super::coordinator::Coordinator;
use super::journal::Ticket;
use super::records::{Key, Record, Value};
use super::shard::{Active, Answered, Moment};
use super::state::{Group, Kind, consumer_limits};
use super::topics::Topics;

impl Coordinator {
    /// Turns an empty group into one of the other protocol. Its offsets stay.
    pub(crate) fn convert(&self, active: &mut Active, id: &str, mut into: Group) {
        let Some(old) = active.groups.get_mut(id) else {
            return;
        };
        let mut records = Vec::new();
        old.tombstones(id, &mut records);
        into.offsets = std::mem::take(&mut old.offsets);
        into.last_write = old.last_write;
        into.scheduled = old.scheduled;
        active.groups.insert(id.to_owned(), into);
        active.write(id, records);
    }

    /// Takes the heartbeat by which a member joins a classic group that has members. If the heartbeat is
    /// good, the group goes over; if not, nothing has changed. `None` when there is no such group.
    pub(crate) fn upgrade(
        &self,
        active: &mut Active,
        (id, moment): (&str, Moment),
        request: &HeartbeatRequest,
    ) -> Option<Result<HeartbeatReply, Refusal>> {
        let group = active.groups.get_mut(id)?;
        let Kind::Classic(classic) = &mut group.kind else {
            return None;
        };
        if classic.is_empty() || request.epoch != 0 {
            return None;
        }
        if !self.config.migration_policy.upgrades() {
            let message = format!(
                "Group {id} has members of the classic protocol, and group.consumer.migration.policy does not let it go over. Stop them first, or set group.protocol=classic."
            );
            return Some(Err(Refusal::new(ResponseError::GroupIdNotFound, message)));
        }
        let topics = self.topics.current();
        let about = (id.to_owned(), consumer_limits(&self.config));
        let mut records = Vec::new();
        let joined = ConsumerGroup::from_classic(about, classic, topics.as_ref(), moment.now).and_then(
            |mut consumer| {
                consumer.store(&mut records);
                let reply = consumer.heartbeat(moment.now, request, topics.as_ref(), &mut records)?;
                Ok((consumer, reply))
            },
        );
        let (consumer, reply) = match joined {
            Ok(joined) => joined,
            Err(refusal) => return Some(Err(refusal)),
        };
        if group.stored {
            let key = Key::Classic { group: id.to_owned() };
            records.insert(0, Record::tombstone(key));
        }
        let mut effects = Effects::new();
        classic.send_away(&mut effects);
        group.kind = Kind::Consumer(Box::new(consumer));
        group.stored = true;
        tracing::info!(group = id, "a classic group became a consumer group");
        active.write(id, records);
        active.answer_all(id, effects);
        active.schedule(id);
        Some(Ok(reply))
    }

    /// A JoinGroup to a consumer group that has members. `None` when it is for a classic group: such it
    /// is, or is to be.
    pub(crate) fn join_consumer(
        &self,
        active: &mut Active,
        (id, moment): (&str, Moment),
        request: &JoinRequest,
    ) -> Option<Result<Answered<JoinReply>, ResponseError>> {
        let consumer = active.consumer(id).filter(|consumer| !consumer.is_empty())?;
        let topics = self.topics.current();
        let mut records = Vec::new();
        match consumer.make_way(request, &mut records) {
            Err(error) => return Some(Err(error)),
            Ok(true) => {
                active.write_consumer((id, moment), records, topics.as_ref());
                return None;
            }
            Ok(false) => {}
        }
        let joined = consumer.classic_join(moment.now, request, topics.as_ref(), &mut records);
        active.write_consumer((id, moment), records, topics.as_ref());
        Some(joined.map(|reply| (reply, active.ticket(id))))
    }

    /// A SyncGroup to a consumer group. `None` when it is not one.
    pub(crate) fn sync_consumer(
        &self,
        active: &mut Active,
        (id, moment): (&str, Moment),
        request: &SyncRequest,
    ) -> Option<Result<Answered<SyncReply>, ResponseError>> {
        let consumer = active.consumer(id)?;
        let synced = consumer.classic_sync(moment.now, request, self.topics.current().as_ref());
        Some(synced.map(|reply| (reply, active.ticket(id))))
    }
}

impl Active {
    /// The group, if it is a consumer group.
    pub(crate) fn consumer(&mut self, id: &str) -> Option<&mut ConsumerGroup> {
        match &mut self.groups.get_mut(id)?.kind {
            Kind::Consumer(consumer) => Some(consumer),
            Kind::Classic(_) => None,
        }
    }

    /// Writes what has changed of a consumer group. If only classic members are left by it, the group
    /// goes over to their protocol.
    pub(crate) fn write_consumer(
        &mut self,
        (id, moment): (&str, Moment),
        mut records: Vec<Record>,
        topics: &dyn Topics,
    ) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let Kind::Consumer(consumer) = &group.kind else {
            return;
        };
        if let Some(mut classic) = consumer.to_classic(topics, moment.now) {
            consumer.tombstones(&mut records);
            classic.state_ms = moment.wall_ms;
            let key = Key::Classic { group: id.to_owned() };
            records.push(Record::put(key, Value::Classic(classic.metadata())));
            group.kind = Kind::Classic(Box::new(classic));
            tracing::info!(group = id, "a consumer group became a classic group");
        }
        if !records.is_empty() {
            group.stored = true;
            self.write(id, records);
        }
    }
}

/// An answer that is there, or will be.
pub(crate) enum Answer<T> {
    Now(Answered<T>),
    Later(tokio::sync::oneshot::Receiver<Answered<T>>),
}

impl<T> Answer<T> {
    /// The answer, once what it shows is committed.
    ///
    /// # Errors
    /// `lost` when the shard stopped being served, and `COORDINATOR_NOT_AVAILABLE` when the write failed.
    pub(crate) async fn committed(self, lost: ResponseError) -> Result<T, ResponseError> {
        let (reply, ticket): (T, Ticket) = match self {
            Self::Now(answered) => answered,
            Self::Later(receive) => receive.await.map_err(|_| lost)?,
        };
        ticket.committed().await?;
        Ok(reply)
    }
}

impl MigrationPolicy {
    /// Whether a classic group with members may become a consumer group.
    fn upgrades(self) -> bool {
        matches!(self, Self::Upgrade | Self::Bidirectional)
    }

    /// Whether a consumer group may become a classic one while it has members.
    pub(crate) fn downgrades(self) -> bool {
        matches!(self, Self::Downgrade | Self::Bidirectional)
    }
}
