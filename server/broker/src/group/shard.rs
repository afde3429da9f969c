//! The groups of one partition of `__consumer_offsets`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tidemill_wire::kafka::error::ResponseError;
use tokio::sync::{Notify, oneshot};

use super::classic::{ClassicGroup, Effect, Effects, JoinReply, SyncReply, Token};
use super::journal::{Journal, Ticket};
use super::records::{CommittedOffset, Key, Record, Value};
use super::state::{Group, Kind};
use super::topics::Topics;

/// The time of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Monotonic, ms.
    pub(crate) now: u64,
    /// Since the epoch, ms.
    pub(crate) wall_ms: i64,
}

/// One coordinator partition.
pub(crate) struct Shard {
    pub(crate) partition: i32,
    state: Mutex<State>,
    /// Wakes the writer.
    pub(crate) wake: Arc<Notify>,
}

enum State {
    /// Not read yet, or being read.
    Loading,
    Active(Box<Active>),
}

/// An answer, and the commit that it must wait for.
pub(crate) type Answered<T> = (T, Ticket);

/// Says which of a group's offsets go, by topic and offset.
pub(crate) type Judge<'a> = Box<dyn Fn(&str, &CommittedOffset) -> bool + 'a>;

enum Parked {
    Join(oneshot::Sender<Answered<JoinReply>>),
    Sync(oneshot::Sender<Answered<SyncReply>>),
}

/// The groups while they are served.
pub(crate) struct Active {
    pub(crate) groups: FxHashMap<String, Group>,
    pub(crate) journal: Journal,
    parked: FxHashMap<Token, Parked>,
    next_token: u64,
    deadlines: BTreeSet<(u64, String)>,
}

impl Shard {
    pub(crate) fn new(partition: i32) -> Self {
        Self {
            partition,
            state: Mutex::new(State::Loading),
            wake: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `step` on the groups.
    ///
    /// # Errors
    /// `COORDINATOR_LOAD_IN_PROGRESS` while they are not read.
    pub(crate) fn with<R>(&self, step: impl FnOnce(&mut Active) -> R) -> Result<R, ResponseError> {
        match &mut *self.lock() {
            State::Active(active) => Ok(step(active)),
            State::Loading => Err(ResponseError::CoordinatorLoadInProgress),
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        matches!(*self.lock(), State::Active(_))
    }

    /// Starts to serve.
    pub(crate) fn activate(&self, groups: FxHashMap<String, Group>, journal: Journal) {
        let mut active = Active {
            groups,
            journal,
            parked: FxHashMap::default(),
            next_token: 0,
            deadlines: BTreeSet::new(),
        };
        let ids: Vec<String> = active.groups.keys().cloned().collect();
        for id in ids {
            active.schedule(&id);
        }
        *self.lock() = State::Active(Box::new(active));
    }

    /// Stops serving: forgets all groups. Who is parked gets an error.
    pub(crate) fn deactivate(&self) {
        let old = std::mem::replace(&mut *self.lock(), State::Loading);
        drop(old);
    }

    /// When the next group waits for time.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.with(|active| active.next_deadline()).ok().flatten()
    }
}

impl Active {
    /// When the next group waits for time.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(crate) fn park_join(&mut self) -> (Token, oneshot::Receiver<Answered<JoinReply>>) {
        let (send, receive) = oneshot::channel();
        (self.park(Parked::Join(send)), receive)
    }

    pub(crate) fn park_sync(&mut self) -> (Token, oneshot::Receiver<Answered<SyncReply>>) {
        let (send, receive) = oneshot::channel();
        (self.park(Parked::Sync(send)), receive)
    }

    fn park(&mut self, parked: Parked) -> Token {
        self.next_token += 1;
        let token = Token(self.next_token);
        self.parked.insert(token, parked);
        token
    }

    /// Queues records of a group; answers the wait for them.
    pub(crate) fn write(&mut self, id: &str, records: Vec<Record>) -> Ticket {
        let number = self.journal.push(&records);
        if let Some(group) = self.groups.get_mut(id) {
            group.last_write = number;
        }
        self.journal.ticket(number)
    }

    /// A wait for all that was written of a group. Of one that is not there, what deleted it may be
    /// among the newest.
    pub(crate) fn ticket(&self, id: &str) -> Ticket {
        let group = self.groups.get(id);
        self.journal
            .ticket(group.map_or(self.journal.last(), |group| group.last_write))
    }

    /// Takes back a request that nothing will answer.
    pub(crate) fn unpark(&mut self, token: Token) {
        self.parked.remove(&token);
    }

    /// Number of parked requests.
    #[cfg(test)]
    pub(crate) fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Runs `step` on a classic group, and does what it asks for. `None` when there is no such group.
    pub(crate) fn step_classic<R>(
        &mut self,
        id: &str,
        moment: Moment,
        step: impl FnOnce(&mut ClassicGroup, u64, &mut Effects) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(id)?;
        let Kind::Classic(classic) = &mut group.kind else {
            return None;
        };
        let before = classic.state_name();
        let mut effects = Effects::new();
        let result = step(classic, moment.now, &mut effects);
        if classic.state_name() != before {
            classic.state_ms = moment.wall_ms;
        }
        if effects.contains(&Effect::Store) {
            let key = Key::Classic { group: id.to_owned() };
            let record = Record::put(key, Value::Classic(classic.metadata()));
            group.stored = true;
            group.last_write = self.journal.push(&[record]);
        }
        self.answer_all(id, effects);
        Some(result)
    }

    /// Answers parked requests, once all that was written of the group is committed.
    pub(crate) fn answer_all(&mut self, id: &str, effects: Effects) {
        let last_write = self.groups.get(id).map_or(0, |group| group.last_write);
        for effect in effects {
            self.answer(effect, last_write);
        }
    }

    fn answer(&mut self, effect: Effect, last_write: u64) {
        let ticket = self.journal.ticket(last_write);
        // Who asked may be gone: then nobody wants the answer.
        match effect {
            Effect::Joined(token, reply) => {
                if let Some(Parked::Join(send)) = self.parked.remove(&token) {
                    let _ = send.send((*reply, ticket));
                }
            }
            Effect::Synced(token, reply) => {
                if let Some(Parked::Sync(send)) = self.parked.remove(&token) {
                    let _ = send.send((reply, ticket));
                }
            }
            Effect::Store => {}
        }
    }

    /// Puts the group's next deadline on the list. Only ever brings it forward: one that comes too
    /// early finds nothing to do and is put off.
    pub(crate) fn schedule(&mut self, id: &str) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let Some(next) = group.next_deadline() else { return };
        if group.scheduled.is_some_and(|at| at <= next) {
            return;
        }
        if let Some(at) = group.scheduled.replace(next) {
            self.deadlines.remove(&(at, id.to_owned()));
        }
        self.deadlines.insert((next, id.to_owned()));
    }

    /// Looks at every group whose time has come.
    pub(crate) fn tick(&mut self, moment: Moment, topics: &dyn Topics) {
        while self.deadlines.first().is_some_and(|(at, _)| *at <= moment.now) {
            let Some((_, id)) = self.deadlines.pop_first() else {
                return;
            };
            self.tick_group(&id, moment, topics);
        }
    }

    fn tick_group(&mut self, id: &str, moment: Moment, topics: &dyn Topics) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        group.scheduled = None;
        if let Kind::Consumer(consumer) = &mut group.kind {
            let mut records = Vec::new();
            for member in consumer.tick(moment.now, &mut records) {
                tracing::info!(
                    group = id,
                    member,
                    "a member was removed: its session or rebalance timed out"
                );
            }
            self.write_consumer((id, moment), records, topics);
        } else {
            self.step_classic(id, moment, |classic, now, effects| classic.tick(now, effects));
        }
        self.forget_unused(id);
        self.schedule(id);
    }

    /// Forgets a group that was made for a request and that nothing came of.
    pub(crate) fn forget_unused(&mut self, id: &str) {
        let unused = |group: &Group| !group.stored && group.is_forgettable();
        if self.groups.get(id).is_some_and(unused)
            && let Some(Group {
                scheduled: Some(at), ..
            }) = self.groups.remove(id)
        {
            self.deadlines.remove(&(at, id.to_owned()));
        }
    }

    /// Deletes a group and all that is stored of it.
    pub(crate) fn delete(&mut self, id: &str) -> Option<Ticket> {
        let mut group = self.groups.remove(id)?;
        if let Some(at) = group.scheduled {
            self.deadlines.remove(&(at, id.to_owned()));
        }
        let mut records = Vec::new();
        group.offsets.remove_where(id, |_, _, _| true, &mut records);
        group.tombstones(id, &mut records);
        let number = self.journal.push(&records);
        Some(self.journal.ticket(number))
    }

    /// Removes offsets that the judge picks. Answers how many they were.
    pub(crate) fn sweep<'a>(&mut self, judge_of: impl Fn(&Group) -> Option<Judge<'a>>) -> usize {
        let mut all = Vec::new();
        for (id, group) in &mut self.groups {
            let Some(gone) = judge_of(group) else { continue };
            let mut records = Vec::new();
            group
                .offsets
                .remove_where(id, |topic, _, offset| gone(topic, offset), &mut records);
            if !records.is_empty() {
                all.push((id.clone(), records));
            }
        }
        let removed = all.iter().map(|(_, records)| records.len()).sum();
        for (id, records) in all {
            self.write(&id, records);
        }
        removed
    }

    /// Forgets groups without members and offsets, and what is stored of them.
    pub(crate) fn forget_idle(&mut self) {
        let idle: Vec<String> = self
            .groups
            .iter()
            .filter(|(_, g)| g.is_forgettable())
            .map(|(id, _)| id.clone())
            .collect();
        for id in idle {
            self.delete(&id);
        }
    }
}
