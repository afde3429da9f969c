//! Whatever clients do, in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Join {
        who: u8,
        instance: u8,
        protocols: u8,
        required: bool,
    },
    Sync {
        who: u8,
        generation: i8,
        assigns: bool,
    },
    Heartbeat {
        who: u8,
        instance: u8,
        generation: i8,
    },
    Commit {
        who: u8,
        generation: i8,
    },
    Leave {
        who: u8,
        instance: u8,
    },
    Pass(u32),
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..8u8;
    prop_oneof![
        4 => (who.clone(), 0..6u8, 0..4u8, any::<bool>()).prop_map(|(who, instance, protocols, required)| Op::Join { who, instance, protocols, required }),
        3 => (who.clone(), -1..2i8, any::<bool>()).prop_map(|(who, generation, assigns)| Op::Sync { who, generation, assigns }),
        2 => (who.clone(), 0..6u8, -1..2i8).prop_map(|(who, instance, generation)| Op::Heartbeat { who, instance, generation }),
        1 => (who.clone(), -1..2i8).prop_map(|(who, generation)| Op::Commit { who, generation }),
        1 => (who, 0..6u8).prop_map(|(who, instance)| Op::Leave { who, instance }),
        2 => prop_oneof![1..100u32, 1_000..70_000u32].prop_map(Op::Pass),
        1 => Just(Op::Restart),
    ]
}

/// One of the ids that exist or existed, or none.
fn pick(world: &World, who: u8) -> String {
    let mut ids: Vec<String> = world
        .joined
        .values()
        .map(|reply| reply.member_id.clone())
        .collect();
    ids.extend(world.group.members().map(|m| m.id.clone()));
    ids.sort();
    ids.dedup();
    // The newest ids are the likeliest to be members.
    let at = ids.len().checked_sub(1 + usize::from(who));
    at.and_then(|at| ids.get(at).cloned()).unwrap_or_default()
}

/// Instances 1 and 2; the others are none.
fn some_instance(n: u8) -> Option<String> {
    matches!(n, 1 | 2).then(|| format!("i{n}"))
}

fn apply(world: &mut World, op: &Op) {
    let at = |world: &World, delta: i8| world.group.generation() + i32::from(delta);
    match *op {
        Op::Join {
            who,
            instance,
            protocols,
            required,
        } => {
            let offers: [&[&str]; 4] = [&["range"], &["range", "sticky"], &["sticky", "range"], &["other"]];
            let id = if who < 3 {
                String::new()
            } else {
                pick(world, who - 3)
            };
            world.join(JoinRequest {
                instance_id: some_instance(instance),
                require_member_id: required,
                knows_skip: required,
                ..offering(&id, offers[usize::from(protocols)])
            });
        }
        Op::Sync {
            who,
            generation,
            assigns,
        } => {
            let token = world.token();
            let ids: Vec<String> = world.group.members().map(|m| m.id.clone()).collect();
            let parts = ids.into_iter().map(|id| (id.clone(), Bytes::from(id)));
            let request = SyncRequest {
                token,
                generation: at(world, generation),
                member_id: pick(world, who),
                instance_id: None,
                protocol_type: None,
                protocol: None,
                assignments: parts.filter(|_| assigns).collect(),
            };
            world.run(|group, now, effects| group.sync(now, request, effects));
        }
        Op::Heartbeat {
            who,
            instance,
            generation,
        } => {
            let (id, generation) = (pick(world, who), at(world, generation));
            let instance = some_instance(instance);
            let _ = world.run(|group, now, _| group.heartbeat(now, (&id, instance.as_deref()), generation));
        }
        Op::Commit { who, generation } => {
            let (id, generation) = (pick(world, who), at(world, generation));
            let _ = world.commit(&id, generation);
        }
        Op::Leave { who, instance } => {
            let id = pick(world, who);
            let _ = world.leave(&id, some_instance(instance).as_deref());
        }
        Op::Pass(ms) => world.pass(u64::from(ms)),
        Op::Restart => restart(world),
    }
}

/// Connections break and the group is read again: what waits is never answered.
fn restart(world: &mut World) {
    let parked = parked(&world.group);
    for token in parked {
        world.joined.entry(token).or_default();
        world.synced.entry(token).or_default();
    }
    world.group = match world.stored.last() {
        Some(stored) => ClassicGroup::restore(limits(), stored.clone(), world.now),
        None => ClassicGroup::new(limits()),
    };
}

fn parked(group: &ClassicGroup) -> BTreeSet<Token> {
    let waits = |m: &Member| m.join.into_iter().chain(m.sync);
    group.members().flat_map(waits).collect()
}

fn check(world: &World) {
    let group = &world.group;
    let answered = |token: &Token| world.joined.contains_key(token) || world.synced.contains_key(token);
    let open: BTreeSet<Token> = (1..=world.tokens).map(Token).filter(|t| !answered(t)).collect();
    assert_eq!(
        open,
        parked(group),
        "a request is forgotten, or answered while it waits"
    );
    let instances: Vec<(&str, &str)> = group
        .members()
        .filter_map(|m| Some((m.instance_id.as_deref()?, m.id.as_str())))
        .collect();
    let known: Vec<(&str, &str)> = group
        .instances
        .iter()
        .map(|(i, m)| (i.as_str(), m.as_str()))
        .collect();
    let distinct: BTreeSet<_> = instances.iter().copied().collect();
    assert_eq!(
        (instances.len(), distinct.into_iter().collect::<Vec<_>>()),
        (known.len(), known)
    );
    assert!(group.member_count() + group.pending.len() <= limits().max_members);
    assert!(!group.is_empty() || group.member_count() == 0);
    let awaited = group.unsynced.clone().into_members();
    assert!(awaited.iter().all(|id| group.members.contains_key(id)));
    let joining = matches!(group.state, State::Empty | State::Preparing(_));
    assert!(
        !joining || awaited.is_empty(),
        "a sync is awaited that cannot come"
    );
    if group.is_stable() {
        assert!(group.members.contains_key(group.leader.as_deref().unwrap()));
        assert!(group.members().all(|m| m.supports(group.protocol())));
        assert_eq!(
            Some(&group.metadata()),
            world.stored.last(),
            "stable, but not as stored"
        );
        let again = ClassicGroup::restore(limits(), group.metadata(), world.now);
        assert_eq!(again.metadata(), group.metadata());
    }
    if !group.is_idle() {
        assert!(group.next_deadline().is_some() || !parked(group).is_empty());
    }
}

/// From now on every client behaves: joins, syncs and heartbeats. Then all must get to work.
fn settle(world: &mut World) {
    world.pass(2 * REBALANCE);
    for _ in 0..4 {
        let ids: Vec<String> = world.group.members().map(|m| m.id.clone()).collect();
        for id in &ids {
            let protocols = world.group.members[id].protocols.clone();
            let instance_id = world.group.members[id].instance_id.clone();
            if matches!(world.group.state, State::Preparing(_)) {
                world.join(JoinRequest {
                    protocols,
                    instance_id,
                    ..asks(id)
                });
            }
        }
        world.pass(DELAY);
        if matches!(world.group.state, State::Completing) {
            world.sync_all();
        }
    }
    let state = world.group.state_name();
    assert!(state == "Stable" || state == "Empty", "it is still {state}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn members_always_get_to_work(ops in proptest::collection::vec(op(), 1..60)) {
        let mut world = World::new();
        let mut generation = 0;
        for op in &ops {
            apply(&mut world, op);
            check(&world);
            // A generation that was not stored may be given again after a restart.
            if !matches!(op, Op::Restart) {
                prop_assert!(world.group.generation() >= generation, "the generation fell");
            }
            generation = world.group.generation();
            let late = world.group.next_deadline().is_some_and(|at| at <= world.now);
            prop_assert!(!late || !matches!(op, Op::Pass(_)), "time has come, and nothing is done");
        }
        settle(&mut world);
        check(&world);
    }
}
