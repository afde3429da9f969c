//! A group of a whole fleet: each member has its share, and what is written grows with what changes, not
//! with members times members.

use super::*;

const MEMBERS: usize = 500;
const PARTITIONS: i32 = 1_000;

/// The members' epochs and what they own.
struct Fleet {
    world: World,
    members: Vec<(i32, TopicPartitions)>,
    written: usize,
}

impl Fleet {
    fn new() -> Self {
        let mut world = World::new(PARTITIONS);
        let limits = Limits {
            max_members: MEMBERS,
            max_bytes: 1 << 20,
            ..limits()
        };
        world.group = ConsumerGroup::new("g".to_owned(), limits);
        Self {
            world,
            members: vec![(0, TopicPartitions::new()); MEMBERS],
            written: 0,
        }
    }

    fn beat(&mut self, n: usize, request: &HeartbeatRequest) {
        let World {
            group, cluster, now, ..
        } = &mut self.world;
        let mut records = Vec::new();
        let reply = group.heartbeat(*now, request, cluster, &mut records).unwrap();
        self.written += records.len();
        let (epoch, owned) = &mut self.members[n];
        *epoch = reply.epoch;
        if let Some(assignment) = reply.assignment {
            *owned = assignment;
        }
    }

    /// All join, one after the other. Answers how many records that took.
    fn join(&mut self, topics: impl Fn(usize) -> &'static [&'static str]) -> usize {
        for n in 0..MEMBERS {
            self.beat(n, &joins(&format!("m{n:03}"), topics(n)));
        }
        std::mem::take(&mut self.written)
    }

    /// All tell what they own, as many times as it takes.
    fn settle(&mut self) {
        for _ in 0..4 {
            for n in 0..MEMBERS {
                let (epoch, owned) = self.members[n].clone();
                self.beat(n, &owning(&format!("m{n:03}"), epoch, &owned));
            }
        }
        assert_eq!(self.world.group.state_name(), "Stable");
        self.written = 0;
    }

    /// All say that nothing is new. Answers how many records that took.
    fn go_on(&mut self) -> usize {
        for n in 0..MEMBERS {
            let epoch = self.members[n].0;
            self.beat(n, &goes_on(&format!("m{n:03}"), epoch));
        }
        std::mem::take(&mut self.written)
    }

    fn shares(&self) -> Vec<usize> {
        let share = |(_, owned): &(i32, TopicPartitions)| each(owned).count();
        self.members.iter().map(share).collect()
    }
}

#[test]
fn a_fleet_joins_settles_and_goes_on() {
    let mut fleet = Fleet::new();
    let written = fleet.join(|_| &["t"]);
    // For each that joins its own few, and one for each member that gives it a partition.
    assert!(written < 30_000, "{written} records for {MEMBERS} joins");
    fleet.settle();
    assert_eq!(fleet.shares(), [2; MEMBERS]);
    assert_eq!(fleet.go_on(), 0);
}

#[test]
fn so_does_a_fleet_that_does_not_subscribe_to_the_same() {
    let mut fleet = Fleet::new();
    fleet.world.cluster.set("u", 500);
    let written = fleet.join(|n| if n < MEMBERS / 2 { &["t"] } else { &["t", "u"] });
    assert!(written < 30_000, "{written} records for {MEMBERS} joins");
    fleet.settle();
    assert_eq!(fleet.shares(), [3; MEMBERS]);
    assert_eq!(fleet.go_on(), 0);
}
