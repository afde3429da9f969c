//! Whatever clients, coordinators and the network do, in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What happens. `usize`s pick one of the clients.
#[derive(Debug, Clone)]
enum Op {
    /// A heartbeat of a well-behaved client; its answer may get lost.
    Beat {
        who: usize,
        lost: bool,
        tells: bool,
    },
    /// A client starts anew: it forgets all, and may take another member id.
    Start {
        who: usize,
        topics: u8,
        renamed: bool,
    },
    Leave {
        who: usize,
        lost: bool,
    },
    Topic {
        name: u8,
        partitions: i32,
    },
    DeleteTopic(u8),
    Pass(u64),
    Restart,
    /// A request of anyone with anything in it.
    Any(Box<HeartbeatRequest>),
}

const NAMES: [&str; 3] = ["t", "u", "v"];
const CLIENTS: usize = 4;

fn any_request() -> impl Strategy<Value = Box<HeartbeatRequest>> {
    let partitions = || {
        let topic = (1..6u128).prop_map(Uuid::from_u128);
        let indexes = proptest::collection::btree_set(-1..5i32, 0..4);
        proptest::option::of(proptest::collection::btree_map(topic, indexes, 0..3))
    };
    let topics = || proptest::option::of(proptest::collection::btree_set("[tuvw]", 0..3));
    let regex = || proptest::option::of(prop_oneof![Just("t|u"), Just("("), Just(""), Just(".*")]);
    // The ids are not those of the clients below: nobody speaks in another's name.
    let who = (
        "x[12]?",
        -3..9i32,
        proptest::option::of("[ij]?"),
        any::<Option<i32>>(),
    );
    let assignor = proptest::option::of(prop_oneof![Just("range"), Just("uniform"), Just("?")]);
    (who, topics(), regex(), partitions(), assignor).prop_map(|(who, topics, regex, owned, assignor)| {
        Box::new(HeartbeatRequest {
            member_id: who.0,
            epoch: who.1,
            instance_id: who.2,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            rebalance_timeout_ms: who.3,
            topics,
            regex: regex.map(str::to_owned),
            assignor: assignor.map(str::to_owned),
            owned,
        })
    })
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..CLIENTS;
    prop_oneof![
        8 => (who.clone(), prop::bool::weighted(0.2), any::<bool>()).prop_map(|(who, lost, tells)| Op::Beat { who, lost, tells }),
        3 => (who.clone(), 1..8u8, any::<bool>()).prop_map(|(who, topics, renamed)| Op::Start { who, topics, renamed }),
        1 => (who, any::<bool>()).prop_map(|(who, lost)| Op::Leave { who, lost }),
        1 => (0..3u8, 1..5i32).prop_map(|(name, partitions)| Op::Topic { name, partitions }),
        1 => (0..3u8).prop_map(Op::DeleteTopic),
        1 => prop_oneof![1..10_000u64, 20_000..50_000u64].prop_map(Op::Pass),
        1 => Just(Op::Restart),
        1 => any_request().prop_map(Op::Any),
    ]
}

/// A consumer as it sees itself.
#[derive(Debug, Clone, Default)]
struct Client {
    id: String,
    starts: u32,
    running: bool,
    epoch: i32,
    topics: BTreeSet<String>,
    /// Partitions that it reads from now.
    owned: TopicPartitions,
    /// It does not know whether its last heartbeat arrived: it says everything next.
    unsure: bool,
    /// It let partitions go, and the coordinator waits to hear so.
    owes: bool,
    /// When its own session timer fires, and it stops reading.
    deadline: u64,
}

impl Client {
    fn request(&self, tells: bool) -> HeartbeatRequest {
        let full = self.epoch == 0 || self.unsure;
        HeartbeatRequest {
            epoch: self.epoch,
            rebalance_timeout_ms: full.then_some(REBALANCE),
            topics: full.then(|| self.topics.clone()),
            owned: (full || tells).then(|| self.owned.clone()),
            ..goes_on(&self.id, 0)
        }
    }

    /// It has lost its membership: it stops reading and joins again.
    fn start_over(&mut self) {
        (self.epoch, self.unsure, self.owes) = (0, false, false);
        self.owned.clear();
    }

    fn heartbeat(&mut self, world: &mut World, lost: bool, tells: bool) {
        let sent = self.request(tells);
        match world.beat(&sent) {
            _ if lost => self.unsure = self.epoch > 0,
            Ok(reply) => {
                assert!(reply.epoch >= self.epoch, "the member's epoch fell");
                self.epoch = reply.epoch;
                self.unsure = false;
                self.deadline = world.now + SESSION;
                self.owes &= sent.owned.is_none();
                if let Some(assignment) = reply.assignment {
                    let keeps: BTreeSet<_> = each(&assignment).collect();
                    self.owes |= each(&self.owned).any(|partition| !keeps.contains(&partition));
                    self.owned = assignment;
                }
            }
            Err(refusal) => {
                let known = [E::FencedMemberEpoch, E::UnknownMemberId, E::GroupMaxSizeReached];
                assert!(known.contains(&refusal.code), "{refusal:?} for {sent:?}");
                self.start_over();
            }
        }
    }
}

struct Play {
    world: World,
    clients: Vec<Client>,
}

impl Play {
    fn apply(&mut self, op: &Op) {
        let world = &mut self.world;
        match op {
            Op::Beat { who, lost, tells } => {
                let client = &mut self.clients[*who];
                if client.running {
                    client.heartbeat(world, *lost, *tells);
                }
            }
            Op::Start { who, topics, renamed } => {
                let client = &mut self.clients[*who];
                client.starts += u32::from(*renamed);
                client.id = format!("c{who}-{}", client.starts);
                client.running = true;
                client.topics = (0..3)
                    .filter(|bit| topics & (1 << bit) != 0)
                    .map(|bit| NAMES[bit].to_owned())
                    .collect();
                client.start_over();
                client.heartbeat(world, false, false);
            }
            Op::Leave { who, lost } => {
                let client = &mut self.clients[*who];
                client.start_over();
                client.running = false;
                if !lost {
                    let _ = world.beat(&goes_on(&client.id, -1));
                }
            }
            Op::Topic { name, partitions } => {
                let name = NAMES[usize::from(*name)];
                let now = world.cluster.topic(name).map_or(0, |topic| topic.partitions);
                // Topics only grow.
                world.cluster.set(name, now.max(*partitions));
            }
            Op::DeleteTopic(name) => world.cluster.delete(NAMES[usize::from(*name)]),
            Op::Pass(ms) => {
                // Who let go says so at once, and not after its rebalance timeout.
                for client in self.clients.iter_mut().filter(|client| client.owes) {
                    client.heartbeat(world, false, true);
                }
                world.pass(*ms);
                for client in &mut self.clients {
                    // Clients keep their own sessions too.
                    if client.deadline <= world.now {
                        client.start_over();
                    }
                }
            }
            Op::Restart => world.restart(),
            Op::Any(request) => {
                let _ = world.beat(request);
            }
        }
    }

    fn check(&self) {
        let mut readers: BTreeMap<(Uuid, i32), &str> = BTreeMap::new();
        for client in &self.clients {
            for partition in each(&client.owned) {
                let other = readers.insert(partition, &client.id);
                assert_eq!(other, None, "two read {partition:?}, and one is {}", client.id);
            }
        }
        let mut owners = BTreeSet::new();
        for member in self.world.group.members.values() {
            for partition in each(&member.current.assigned).chain(each(&member.current.revoking)) {
                assert!(owners.insert(partition), "two own {partition:?}");
                assert_eq!(self.world.group.owners.get(&partition), Some(&member.id));
            }
        }
        assert_eq!(owners.len(), self.world.group.owners.len());
        assert!(self.world.group.target_epoch() <= self.world.group.epoch());
        let deadline = self.world.group.next_deadline();
        assert_eq!(deadline.is_some(), !self.world.group.is_empty());
    }

    /// Everybody behaves from now on.
    fn settle(&mut self) {
        for round in 0..12 {
            for client in self.clients.iter_mut().filter(|client| client.running) {
                client.heartbeat(&mut self.world, false, true);
            }
            self.world.pass(5_000);
            for client in &mut self.clients {
                if client.deadline <= self.world.now {
                    client.start_over();
                }
            }
            // Dead ones are found out first.
            if round == 0 {
                for _ in 0..10 {
                    self.world.pass(5_000);
                    for client in self.clients.iter_mut().filter(|client| client.running) {
                        client.heartbeat(&mut self.world, false, true);
                    }
                }
            }
        }
    }

    fn check_settled(&self) {
        let running: Vec<&Client> = self.clients.iter().filter(|client| client.running).collect();
        assert_eq!(self.world.group.member_count(), running.len());
        let mut read = BTreeSet::new();
        for client in &running {
            assert_eq!(client.epoch, self.world.group.epoch(), "{client:?}");
            read.extend(each(&client.owned));
            let mine = client
                .topics
                .iter()
                .filter_map(|name| self.world.cluster.topic(name));
            let mine: BTreeSet<Uuid> = mine.map(|topic| topic.id).collect();
            assert!(client.owned.keys().all(|topic| mine.contains(topic)));
        }
        let topics: BTreeSet<&String> = running.iter().flat_map(|client| &client.topics).collect();
        let wanted: BTreeSet<(Uuid, i32)> = topics
            .into_iter()
            .filter_map(|name| self.world.cluster.topic(name))
            .flat_map(|topic| (0..topic.partitions).map(move |index| (topic.id, index)))
            .collect();
        assert_eq!(
            read, wanted,
            "a partition that nobody reads, or that is not there"
        );
        let state = self.world.group.state_name();
        assert_eq!(state, if running.is_empty() { "Empty" } else { "Stable" });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn partitions_have_one_reader_each_and_in_the_end_exactly_one(ops in proptest::collection::vec(op(), 1..80)) {
        let mut play = Play { world: World::new(3), clients: vec![Client::default(); CLIENTS] };
        // Room for those who speak in nobody's name, and for member ids of clients that started anew.
        let limits = Limits { max_members: 100, ..limits() };
        play.world.group = ConsumerGroup::new("g".to_owned(), limits);
        let mut epoch = 0;
        for op in &ops {
            play.apply(op);
            play.world.group.limits = limits;
            play.check();
            prop_assert!(play.world.group.epoch() >= epoch, "the group's epoch fell");
            epoch = play.world.group.epoch();
        }
        play.settle();
        play.check();
        play.check_settled();
        play.world.restart();
    }
}
