//! Clients of both protocols in one group, in any order, with crashes of clients and coordinators: no
//! two read one partition, and in the end each partition is read.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rustc_hash::FxHashMap;
use tokio::sync::Notify;

use super::migration::{encoded, given, owning};
use super::*;
use crate::group::classic::LeaveIdentity;
use crate::group::journal::{Journal, Progress};
use crate::group::loader::Replay;
use crate::group::membership::{hear, leave_all};
use crate::group::migration::Answer;
use crate::group::shard::{Active, Moment, Shard};

/// The session timeout of both protocols.
const SESSION: u64 = 10_000;
const CLIENTS: usize = 6;

/// What happens. `usize`s pick one of the clients; those of even numbers speak the classic protocol.
#[derive(Debug, Clone)]
enum Op {
    Start(usize),
    /// A client does what it would do next; the answer may get lost.
    Step(usize, bool),
    Leave(usize),
    Crash(usize),
    Grow,
    Pass(u64),
    Restart,
}

fn speaks_classic(who: usize) -> bool {
    who.is_multiple_of(2)
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..CLIENTS;
    prop_oneof![
        3 => who.clone().prop_map(Op::Start),
        12 => (who.clone(), prop::bool::weighted(0.1)).prop_map(|(who, lost)| Op::Step(who, lost)),
        2 => who.clone().prop_map(Op::Leave),
        1 => who.prop_map(Op::Crash),
        1 => Just(Op::Grow),
        2 => (1..9_000u64).prop_map(Op::Pass),
        1 => Just(Op::Restart),
    ]
}

/// The coordinator as its requests see it, one step at a time.
struct Bench {
    groups: Coordinator,
    topics: Arc<Newest>,
    shard: Shard,
    log: Vec<RawRecord>,
    now: u64,
    ids: u32,
}

impl Bench {
    fn new() -> Self {
        let topics = Arc::new(Newest::default());
        topics.0.lock().unwrap().set("t", 3);
        let config = GroupConfig {
            initial_rebalance_delay_ms: 0,
            consumer_session_timeout_ms: SESSION,
            ..GroupConfig::default()
        };
        let known: Arc<dyn TopicSource> = topics.clone();
        let bench = Self {
            groups: Coordinator::new(Env::real(), config, Arc::new(Paper::default()), known),
            topics,
            shard: Shard::new(0),
            log: Vec::new(),
            now: 1_000,
            ids: 0,
        };
        bench.serve(FxHashMap::default());
        bench
    }

    /// A member id that no other has.
    fn new_id(&mut self) -> String {
        self.ids += 1;
        format!("m-{}", self.ids)
    }

    fn serve(&self, groups: FxHashMap<String, crate::group::state::Group>) {
        // Nobody waits for commits here.
        let (_, progress) = watch::channel(Progress::Committed(0));
        let journal = Journal::new(progress, Arc::new(Notify::new()));
        self.shard.activate(groups, journal);
    }

    fn with<R>(&mut self, step: impl FnOnce(&Coordinator, &mut Active, (&'static str, Moment)) -> R) -> R {
        let moment = Moment {
            now: self.now,
            wall_ms: EPOCH_MS,
        };
        let groups = &self.groups;
        let step = |active: &mut Active| {
            let result = step(groups, active, ("g", moment));
            active.schedule("g");
            (result, active.journal.drain())
        };
        let (result, written) = self.shard.with(step).unwrap();
        self.log
            .extend(written.into_iter().flat_map(|(records, _)| records));
        result
    }

    /// Another coordinator takes over.
    fn restart(&mut self) {
        let before = self.kind();
        self.shard.deactivate();
        let mut replay = Replay::default();
        for (key, value) in &self.log {
            replay.take(key, value.as_deref());
        }
        assert_eq!(replay.unreadable, None);
        let groups = replay.finish(&self.groups.config, self.now);
        self.serve(groups);
        if before.1 > 0 && before.0 == "consumer" {
            assert_eq!(self.kind(), before, "what was stored is not what was shown");
        }
    }

    /// The group's type, its members, and its state.
    fn kind(&mut self) -> (&'static str, usize, &'static str) {
        self.with(|_, active, (id, _)| match active.groups.get(id) {
            None => ("", 0, "Empty"),
            Some(group) => {
                let members = match &group.kind {
                    crate::group::state::Kind::Classic(classic) => classic.member_count(),
                    crate::group::state::Kind::Consumer(consumer) => consumer.member_count(),
                };
                (group.type_name(), members, group.state_name())
            }
        })
    }

    fn partitions(&self) -> BTreeSet<i32> {
        (0..self.topics.current().topic("t").unwrap().partitions).collect()
    }
}

/// What a classic client waits for.
#[derive(Default)]
enum Waits {
    #[default]
    Nothing,
    Join(Answer<JoinReply>),
    Sync(Answer<SyncReply>),
}

/// A consumer as it sees itself.
#[derive(Default)]
struct Client {
    running: bool,
    id: String,
    /// Member epoch or generation.
    epoch: i32,
    /// Partitions that it reads from now.
    owned: BTreeSet<i32>,
    /// When its own session timer fires, and it stops reading.
    deadline: u64,
    /// Classic: it has to join again.
    rejoins: bool,
    waits: Waits,
    /// New protocol: it does not know whether its last heartbeat arrived.
    unsure: bool,
}

impl Client {
    /// It has lost its membership, or never had one.
    fn start_over(&mut self) {
        let id = std::mem::take(&mut self.id);
        *self = Self {
            running: self.running,
            rejoins: true,
            ..Self::default()
        };
        // A member of the new protocol makes up its own id.
        self.id = id;
    }

    fn step_classic(&mut self, bench: &mut Bench, cooperative: bool, lost: bool) {
        match std::mem::take(&mut self.waits) {
            Waits::Join(answer) => match arrived(answer) {
                Err(answer) if !lost => self.waits = Waits::Join(answer),
                Ok(Some(reply)) if !lost => self.joined(bench, reply, cooperative),
                _ => self.rejoins = true,
            },
            Waits::Sync(answer) => match arrived(answer) {
                Err(answer) if !lost => self.waits = Waits::Sync(answer),
                Ok(Some(reply)) if !lost => self.synced(bench.now, &reply),
                _ => self.rejoins = true,
            },
            Waits::Nothing if self.rejoins => self.join(bench, cooperative),
            Waits::Nothing => {
                let (id, epoch) = (self.id.clone(), self.epoch);
                let heard = bench.with(|_, active, group| hear(active, group, (&id, None), epoch));
                self.heard(bench.now, heard);
            }
        }
    }

    fn heard(&mut self, now: u64, heard: Result<(), E>) {
        self.deadline = now + SESSION;
        match heard {
            Ok(()) => {}
            Err(E::RebalanceInProgress) => self.rejoins = true,
            Err(E::IllegalGeneration) => {
                self.rejoins = true;
                self.owned.clear();
            }
            Err(E::UnknownMemberId) => {
                self.start_over();
                self.id.clear();
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    fn join(&mut self, bench: &mut Bench, cooperative: bool) {
        self.rejoins = false;
        if !cooperative {
            self.owned.clear();
        }
        let owned: Vec<i32> = self.owned.iter().copied().collect();
        let request = JoinRequest {
            new_member_id: bench.new_id(),
            require_member_id: true,
            ..owning(&self.id, &owned)
        };
        let answer = bench.with(|groups, active, group| groups.begin_join(active, group, request));
        match answer {
            Ok(answer) => self.waits = Waits::Join(answer),
            Err(error) => self.heard(bench.now, Err(error)),
        }
    }

    fn joined(&mut self, bench: &mut Bench, reply: JoinReply, cooperative: bool) {
        if reply.error == Some(E::MemberIdRequired) {
            self.id = reply.member_id;
            self.rejoins = true;
            return;
        }
        if let Some(error) = reply.error {
            return self.heard(bench.now, Err(error));
        }
        self.deadline = bench.now + SESSION;
        (self.id, self.epoch) = (reply.member_id.clone(), reply.generation);
        let mut assignments = Vec::new();
        if reply.leader == reply.member_id {
            assignments = assign(&reply, &bench.partitions(), cooperative);
        }
        let request = SyncRequest {
            token: Token(0),
            generation: self.epoch,
            member_id: self.id.clone(),
            instance_id: None,
            protocol_type: reply.protocol_type,
            protocol: reply.protocol,
            assignments,
        };
        let answer = bench.with(|groups, active, group| groups.begin_sync(active, group, request));
        match answer {
            Ok(answer) => self.waits = Waits::Sync(answer),
            Err(error) => self.heard(bench.now, Err(error)),
        }
    }

    fn synced(&mut self, now: u64, reply: &SyncReply) {
        if let Some(error) = reply.error {
            return self.heard(now, Err(error));
        }
        self.deadline = now + SESSION;
        let given: BTreeSet<i32> = given(reply).into_iter().collect();
        // Who lets go says so by joining again.
        self.rejoins = self.owned.difference(&given).next().is_some();
        self.owned = given;
    }

    fn step_new(&mut self, bench: &mut Bench, lost: bool) {
        let full = self.epoch == 0 || self.unsure;
        let id = bench.topics.current().topic("t").unwrap().id;
        let owned = [(id, self.owned.clone())].into();
        let request = HeartbeatRequest {
            rebalance_timeout_ms: full.then_some(60_000),
            topics: full.then(|| ["t".to_owned()].into()),
            owned: Some(if self.owned.is_empty() {
                BTreeMap::new()
            } else {
                owned
            }),
            ..HeartbeatRequest {
                member_id: self.id.clone(),
                epoch: self.epoch,
                ..HeartbeatRequest::default()
            }
        };
        let answer =
            bench.with(|groups, active, (id, moment)| groups.step_consumer(active, id, moment, &request));
        match answer {
            _ if lost => self.unsure = self.epoch > 0,
            Ok(reply) => {
                assert!(reply.epoch >= self.epoch, "the member's epoch fell");
                (self.epoch, self.unsure) = (reply.epoch, false);
                self.deadline = bench.now + SESSION;
                if let Some(assignment) = reply.assignment {
                    self.owned = assignment.into_values().flatten().collect();
                }
            }
            Err(refusal) => {
                let known = [E::FencedMemberEpoch, E::UnknownMemberId, E::GroupIdNotFound];
                assert!(known.contains(&refusal.code), "{refusal:?} for {request:?}");
                self.start_over();
            }
        }
    }
}

/// The answer, if it is there: `None` in it when it will never be. Else what is still waited for.
fn arrived<T>(answer: Answer<T>) -> Result<Option<T>, Answer<T>> {
    match answer {
        Answer::Now((reply, _)) => Ok(Some(reply)),
        Answer::Later(mut receive) => match receive.try_recv() {
            Ok((reply, _)) => Ok(Some(reply)),
            Err(tokio::sync::oneshot::error::TryRecvError::Empty) => Err(Answer::Later(receive)),
            Err(tokio::sync::oneshot::error::TryRecvError::Closed) => Ok(None),
        },
    }
}

/// A leader's work: partitions in turn. A cooperative one gives nothing that another has not let go.
fn assign(reply: &JoinReply, partitions: &BTreeSet<i32>, cooperative: bool) -> Vec<(String, Bytes)> {
    let owned_by = |member: &crate::group::classic::JoinMember| -> BTreeSet<i32> {
        let subscription =
            tidemill_wire::consumer_protocol::decode_subscription(member.metadata.clone()).unwrap();
        let owned = subscription.owned_partitions.iter();
        owned.flat_map(|topic| topic.partitions.clone()).collect()
    };
    let owned: Vec<BTreeSet<i32>> = reply.members.iter().map(owned_by).collect();
    let mut parts = vec![Vec::new(); reply.members.len()];
    for (turn, partition) in partitions.iter().enumerate() {
        let turn = turn % parts.len();
        let is_others = |(at, owned): (usize, &BTreeSet<i32>)| at != turn && owned.contains(partition);
        if !cooperative || !owned.iter().enumerate().any(is_others) {
            parts[turn].push(*partition);
        }
    }
    let parts = parts.iter().map(|part| encoded(part));
    reply.members.iter().map(|m| m.id.clone()).zip(parts).collect()
}

struct Play {
    bench: Bench,
    clients: Vec<Client>,
    cooperative: bool,
}

impl Play {
    fn step(&mut self, who: usize, lost: bool) {
        let client = &mut self.clients[who];
        if !client.running {
            return;
        }
        if speaks_classic(who) {
            client.step_classic(&mut self.bench, self.cooperative, lost);
        } else {
            client.step_new(&mut self.bench, lost);
        }
        self.check();
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Start(who) if !self.clients[*who].running => {
                self.clients[*who] = Client {
                    running: true,
                    rejoins: true,
                    // Classic members are given their ids.
                    id: match speaks_classic(*who) {
                        true => String::new(),
                        false => self.bench.new_id(),
                    },
                    ..Client::default()
                };
            }
            Op::Start(_) => {}
            Op::Step(who, lost) => self.step(*who, *lost),
            Op::Leave(who) => self.leave(*who),
            Op::Crash(who) => self.clients[*who] = Client::default(),
            Op::Grow => {
                let partitions = self.bench.partitions().len();
                if partitions < 6 {
                    let partitions = i32::try_from(partitions).unwrap() + 1;
                    self.bench.topics.0.lock().unwrap().set("t", partitions);
                }
            }
            Op::Pass(ms) => self.pass(*ms),
            Op::Restart => self.bench.restart(),
        }
        self.check();
    }

    fn leave(&mut self, who: usize) {
        let client = std::mem::take(&mut self.clients[who]);
        if !client.running || client.id.is_empty() {
            return;
        }
        self.bench.with(|groups, active, group| {
            if speaks_classic(who) {
                let who = LeaveIdentity {
                    member_id: client.id.clone(),
                    instance_id: None,
                };
                leave_all(active, group, &[who], groups.topics.current().as_ref());
            } else {
                let request = HeartbeatRequest {
                    member_id: client.id.clone(),
                    epoch: -1,
                    ..HeartbeatRequest::default()
                };
                // It may be no member any more.
                let _ = groups.step_consumer(active, group.0, group.1, &request);
            }
        });
    }

    /// Time passes. Clients that run are never late: they do what they are told.
    fn pass(&mut self, ms: u64) {
        self.all_step(3);
        self.bench.now += ms;
        self.bench.with(|groups, active, (_, moment)| {
            active.tick(moment, groups.topics.current().as_ref());
        });
        self.check();
        self.all_step(1);
    }

    fn all_step(&mut self, times: usize) {
        for _ in 0..times {
            for who in 0..CLIENTS {
                self.step(who, false);
            }
        }
    }

    fn check(&self) {
        let mut readers = BTreeSet::new();
        for client in &self.clients {
            for partition in &client.owned {
                assert!(readers.insert(*partition), "two read {partition}");
            }
        }
    }

    /// Everybody behaves from now on, and classic clients have seen how the topic grew.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.pass(5_000);
        }
        for client in self.clients.iter_mut().step_by(2) {
            client.rejoins = client.running;
        }
        for _ in 0..12 {
            self.pass(5_000);
        }
    }

    fn check_settled(&mut self) {
        let running = |client: &&Client| client.running;
        let number = self.clients.iter().filter(running).count();
        let new = self.clients.iter().skip(1).step_by(2).filter(running).count();
        let (kind, members, state) = self.bench.kind();
        assert_eq!(members, number);
        if number == 0 {
            return assert_eq!(state, "Empty");
        }
        assert_eq!(
            (kind, state),
            (if new > 0 { "consumer" } else { "classic" }, "Stable")
        );
        let read: BTreeSet<i32> = self.clients.iter().flat_map(|c| c.owned.clone()).collect();
        assert_eq!(read, self.bench.partitions(), "a partition that nobody reads");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_they_speak_partitions_have_one_reader_each(
        ops in proptest::collection::vec(op(), 1..100),
        cooperative in any::<bool>(),
    ) {
        let mut play = Play {
            bench: Bench::new(),
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            cooperative,
        };
        for op in &ops {
            play.apply(op);
        }
        play.settle();
        play.check_settled();
        play.bench.restart();
    }
}
