//! What comes in the middle of a flush, on a simulated disk and clock: the observer's calls are where it comes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use tidemill_env::Disk;
use tidemill_env::sim::{self, SimClock, SimDisk, SimRandom, SimTasks};
use tidemill_storage::LogConfig;
use tidemill_wire::batch::{BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use super::*;

const INTERVAL: Duration = Duration::from_millis(100);

/// What other threads do meanwhile.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    /// A producer's batch.
    Append,
    /// What saves the producers' state before a compaction makes the log durable by itself.
    Sync,
    /// The time of a timed flush comes.
    Time,
}

/// Does the next of `plan` whenever the replicator tells something, and forgets it.
struct World {
    replicator: OnceLock<Weak<SingleNode>>,
    clock: Arc<SimClock>,
    tasks: Arc<SimTasks>,
    plan: Mutex<Vec<Vec<Meanwhile>>>,
    told: Mutex<Vec<i64>>,
}

impl World {
    fn open(policy: FlushPolicy, mut plan: Vec<Vec<Meanwhile>>) -> (Arc<SingleNode>, Arc<Self>) {
        plan.reverse();
        let disk = SimDisk::default();
        disk.create_dir_all(&PathBuf::from("/log")).unwrap();
        let clock = Arc::new(SimClock::new(1_000_000));
        let (env, tasks) = sim::env(Arc::new(disk), Arc::clone(&clock), 0);
        let (log, _) = Log::open(&env, PathBuf::from("/log"), LogConfig::default()).unwrap();
        let world = Arc::new(Self {
            replicator: OnceLock::new(),
            clock,
            tasks,
            plan: Mutex::new(plan),
            told: Mutex::default(),
        });
        let observer: Arc<dyn Observer> = world.clone();
        let node = Arc::new(SingleNode::new(env, Arc::new(log), 0, policy, observer));
        world.replicator.set(Arc::downgrade(&node)).unwrap();
        (node, world)
    }

    fn step(&self) {
        let Some(node) = self.replicator.get().and_then(Weak::upgrade) else {
            return;
        };
        let next = self.plan.lock().unwrap().pop().unwrap_or_default();
        for act in next {
            match act {
                Meanwhile::Append => append(&node),
                Meanwhile::Sync => {
                    node.log().sync().unwrap();
                }
                Meanwhile::Time => self.pass_time(),
            }
        }
    }

    fn pass_time(&self) {
        // Who sleeps from now on must have begun to.
        self.tasks.run();
        self.clock.advance(INTERVAL);
        self.tasks.run();
    }
}

impl Observer for World {
    fn committed(&self, offset: i64) {
        self.told.lock().unwrap().push(offset);
        self.step();
    }

    fn flushed(&self, _bytes: u64, _took: Duration) {
        self.step();
    }

    fn ended(&self, _why: &ReplicateError) {}
}

fn append(node: &SingleNode) {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(&RecordData {
        timestamp: 1,
        key: None,
        value: Some(b"value"),
        headers: &[],
    });
    let mut bytes = builder.build();
    node.propose(&[Batch::parse(&mut bytes).unwrap()]).unwrap();
}

/// All that was appended is committed, and who waits for commits has been told.
fn assert_committed(node: &SingleNode, world: &World, why: &str) {
    let end = node.log().offsets().end;
    assert_eq!(node.high_watermark(), end, "{why}");
    assert_eq!(world.told.lock().unwrap().iter().max(), Some(&end), "{why}");
    assert!(node.committed(end).is_done(), "{why}");
}

#[test]
fn a_batch_that_comes_as_a_flush_ends_is_committed_though_another_made_it_durable() {
    use Meanwhile::{Append, Sync};
    for plan in [vec![vec![Append, Sync]], vec![vec![], vec![Append, Sync]]] {
        let why = format!("{plan:?}");
        let (node, world) = World::open(FlushPolicy::Always, plan);
        append(&node);
        assert_eq!(node.log().offsets().end, 2, "{why}");
        assert_committed(&node, &world, &why);
    }
}

#[test]
fn a_timed_flush_that_finds_another_running_is_not_dropped() {
    use Meanwhile::{Append, Time};
    let policy = FlushPolicy::Interval(INTERVAL);
    // Nothing as it is committed; then, as it is flushed.
    let (node, world) = World::open(policy, vec![vec![], vec![Append, Time]]);
    append(&node);
    world.pass_time();
    assert_eq!(node.log().offsets().end, 2);
    assert_eq!(node.unsynced_bytes(), 0, "the interval is over");
}

#[test]
fn whatever_comes_in_the_middle_of_flushes_all_is_committed_and_in_time_durable() {
    for seed in 0..2_000 {
        let random = SimRandom::new(seed);
        let acts = || match random.below(3) {
            0 => Meanwhile::Append,
            1 => Meanwhile::Sync,
            _ => Meanwhile::Time,
        };
        let some = || (0..random.below(4)).map(|_| acts()).collect();
        let plan: Vec<Vec<Meanwhile>> = (0..random.below(8)).map(|_| some()).collect();
        let policies = [FlushPolicy::Always, FlushPolicy::Interval(INTERVAL)];
        let policy = policies[random.index(policies.len())];
        let why = format!("seed {seed}: {policy:?} {plan:?}");
        let (node, world) = World::open(policy, plan);
        for _ in 0..=random.below(4) {
            append(&node);
            assert_committed(&node, &world, &why);
        }
        if random.one_in(2) {
            node.set_flush(policies[random.index(policies.len())]);
            append(&node);
            assert_committed(&node, &world, &why);
        }
        // Until nothing is planned any more: what came late has its own interval.
        (0..10).for_each(|_| world.pass_time());
        assert_eq!(node.unsynced_bytes(), 0, "{why}");
        assert_committed(&node, &world, &why);
    }
}
