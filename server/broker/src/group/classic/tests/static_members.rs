//! Members with a `group.instance.id` (KIP-345).

use super::*;
use ResponseError as E;

/// Two static members, `a` (the leader, member id m1) and `b` (m2), stable.
fn pair() -> World {
    let mut world = World::new();
    world.join(instance("a"));
    world.join(instance("b"));
    world.pass(DELAY);
    world.pass(DELAY);
    world.sync_all();
    assert_eq!(world.group.state_name(), "Stable");
    world
}

fn beat(world: &mut World, member: &str, instance: &str) -> Result<(), ResponseError> {
    let generation = world.group.generation();
    world.run(|group, now, _| group.heartbeat(now, (member, Some(instance)), generation))
}

#[test]
fn a_restart_within_the_session_moves_nothing() {
    let mut world = pair();
    let stores = world.stored.len();
    let back = world.join(instance("b"));
    let reply = world.joined[&back].clone();
    assert_eq!((reply.error, reply.generation), (None, 1));
    assert_eq!(beat(&mut world, "m1", "a"), Ok(()), "the other does not notice");
    let sync = world.sync(&reply.member_id);
    assert_eq!(world.synced[&sync].assignment, "m2", "what it had before");
    assert_eq!(world.stored.len(), stores + 1, "its new member id is stored");
    assert_eq!(world.stored.last().unwrap().members[1].id, reply.member_id);
}

#[test]
fn the_member_that_was_replaced_is_fenced() {
    let mut world = pair();
    world.join(instance("b"));
    assert_eq!(beat(&mut world, "m2", "b"), Err(E::FencedInstanceId));
    let commit = world.run(|group, now, _| group.check_commit(now, ("m2", Some("b")), 1));
    assert_eq!(commit, Err(E::FencedInstanceId));
    let again = JoinRequest {
        member_id: "m2".to_owned(),
        ..instance("b")
    };
    assert_eq!(world.refused(again), E::FencedInstanceId);
    assert_eq!(world.leave("m2", Some("b")), Err(E::FencedInstanceId));
    assert_eq!(beat(&mut world, "m2", "never-heard-of"), Err(E::UnknownMemberId));
}

#[test]
fn a_leader_that_restarts_does_not_assign_again() {
    let mut world = pair();
    let back = world.join(instance("a"));
    let reply = &world.joined[&back];
    assert_eq!(reply.leader, reply.member_id);
    assert!(reply.skip_assignment && reply.members.len() == 2);
    // A client that does not know of that must not believe that it leads.
    let older = world.join(JoinRequest {
        knows_skip: false,
        ..instance("a")
    });
    let reply = &world.joined[&older];
    assert!(reply.leader != reply.member_id && reply.members.is_empty() && !reply.skip_assignment);
}

#[test]
fn a_restart_with_another_subscription_rebalances() {
    let mut world = pair();
    let back = world.join(JoinRequest {
        protocols: vec![("range".to_owned(), Bytes::from_static(b"other topics"))],
        ..instance("b")
    });
    assert!(!world.joined.contains_key(&back));
    assert_eq!(beat(&mut world, "m1", "a"), Err(E::RebalanceInProgress));
}

#[test]
fn only_topics_count_when_consumers_compare_subscriptions() {
    // ConsumerProtocolSubscription: topics and what the member owns, in versions 1 and 3.
    let subscription = |version: u8, owned: &[u8]| {
        let topics = [0, version, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff];
        let tail: &[u8] = if version == 3 {
            &[0, 0, 0, 1, 0xff, 0xff]
        } else {
            &[]
        };
        Bytes::from([&topics[..], owned, tail].concat())
    };
    let nothing = subscription(1, &[0, 0, 0, 0]);
    let something = subscription(3, &[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 7]);
    assert_eq!(
        crate::group::classic::static_members::subscribed_topics(&nothing),
        Some(vec!["t".to_owned()])
    );
    let ask = |metadata: &Bytes| JoinRequest {
        protocols: vec![("range".to_owned(), metadata.clone())],
        ..instance("a")
    };
    let mut world = World::new();
    world.join(ask(&nothing));
    world.pass(DELAY);
    world.sync_all();
    assert_eq!(world.group.subscribes_to("t"), Some(true));
    assert_eq!(world.group.subscribes_to("u"), Some(false));
    let back = world.join(ask(&something));
    assert_eq!(
        world.joined[&back].generation, 1,
        "sticky assignors tell what they own"
    );
}

#[test]
fn an_instance_that_starts_twice_at_once_keeps_the_later_one() {
    let mut world = World::new();
    let first = world.join(instance("a"));
    let second = world.join(instance("a"));
    assert_eq!(world.joined[&first].error, Some(E::FencedInstanceId));
    world.pass(DELAY);
    assert_eq!(world.joined[&second].error, None);
    assert_eq!(world.ids().len(), 1);
}

#[test]
fn operators_remove_by_instance() {
    let mut world = pair();
    assert_eq!(world.leave("", Some("c")), Err(E::UnknownMemberId));
    assert_eq!(world.leave("m1", Some("b")), Err(E::FencedInstanceId));
    assert_eq!(world.leave("", Some("b")), Ok(()));
    assert_eq!(world.ids(), ["m1"]);
    assert_eq!(world.leave("m1", Some("a")), Ok(()));
    assert_eq!(world.group.state_name(), "Empty");
    assert_eq!(
        world.leave("", Some("a")),
        Err(E::UnknownMemberId),
        "the name is free"
    );
}

#[test]
fn a_rebalance_does_not_drop_a_static_member_that_is_away() {
    let mut world = World::new();
    let long = |name: &str| JoinRequest {
        session_timeout_ms: 1_000_000,
        ..instance(name)
    };
    world.join(long("a"));
    world.join(long("b"));
    world.pass(DELAY);
    world.pass(DELAY);
    world.sync_all();
    let newcomer = world.join(asks(""));
    world.join(JoinRequest {
        member_id: "m1".to_owned(),
        ..long("a")
    });
    world.pass(REBALANCE);
    let reply = &world.joined[&newcomer];
    assert_eq!((reply.error, reply.generation), (None, 2));
    assert!(world.ids().contains(&"m2"), "b has time to be back");
}

#[test]
fn a_static_member_that_is_away_is_awaited_as_long_as_a_sync() {
    let mut world = pair();
    let long = |name: &str, id: &str| JoinRequest {
        member_id: id.to_owned(),
        session_timeout_ms: 1_000_000,
        ..instance(name)
    };
    // Both join again, b for the last time; then the group goes on without it.
    world.join(long("a", "m1"));
    world.join(long("b", "m2"));
    world.sync_all();
    world.join(long("a", "m1"));
    world.pass(REBALANCE);
    assert_eq!(world.group.generation(), 3);
    world.sync_with("m1", &[("m1", b"half"), ("m2", b"half")]);
    world.pass(REBALANCE - 1);
    assert_eq!(world.ids(), ["m1", "m2"]);
    world.pass(1);
    assert_eq!(
        world.ids(),
        ["m1"],
        "its session is longer, but its part lies idle"
    );
}

#[test]
fn who_replaces_a_static_member_owes_the_sync_that_it_owed() {
    let mut world = World::new();
    world.join(instance("a"));
    world.join(instance("b"));
    world.pass(DELAY);
    world.pass(DELAY);
    world.sync_with("m1", &[("m1", b"half"), ("m2", b"half")]);
    let back = world.join(instance("b"));
    let id = world.joined[&back].member_id.clone();
    let alive = |world: &mut World, upto: u64| {
        while world.now < upto {
            let (_, _) = (beat(world, "m1", "a"), beat(world, &id, "b"));
            world.pass((SESSION / 2).min(upto - world.now));
        }
    };
    let deadline = world.group.unsynced.deadline().unwrap();
    alive(&mut world, deadline - 1);
    assert_eq!(world.ids().len(), 2);
    world.pass(1);
    assert_eq!(world.ids(), ["m1"]);
}

#[test]
fn when_all_static_members_are_away_their_sessions_decide() {
    let mut world = pair();
    let token = world.join(asks(""));
    let newcomer = world.joined.get(&token).cloned();
    assert_eq!(newcomer, None);
    world.leave(&format!("m{}", token.0), None).unwrap();
    assert_eq!(world.group.state_name(), "PreparingRebalance");
    world.pass(SESSION);
    assert_eq!(world.group.state_name(), "Empty");
}

#[test]
fn a_full_group_takes_a_static_member_back() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.join(instance(name));
    }
    world.pass(DELAY);
    world.pass(DELAY);
    world.sync_all();
    let back = world.join(instance("d"));
    assert_eq!(world.joined[&back].error, None);
    assert_eq!(world.refused(instance("e")), E::GroupMaxSizeReached);
}

#[test]
fn an_instance_that_is_alone_may_change_its_assignor() {
    let mut world = World::new();
    world.join(instance("a"));
    world.pass(DELAY);
    world.sync_all();
    let back = world.join(JoinRequest {
        protocols: vec![("sticky".to_owned(), Bytes::from_static(b"all"))],
        ..instance("a")
    });
    assert_eq!(
        world.joined[&back].protocol.as_deref(),
        Some("sticky"),
        "its old self has no say"
    );
}

#[test]
fn metadata_that_lies_about_its_length_is_no_metadata() {
    let topics = |bytes: &'static [u8]| {
        crate::group::classic::static_members::subscribed_topics(&Bytes::from_static(bytes))
    };
    assert_eq!(topics(b"other topics"), None, "two billion topics in ten bytes");
    assert_eq!(topics(&[0, 1, 0x7f, 0xff, 0xff, 0xff]), None);
    assert_eq!(topics(&[0, 1, 0, 0, 0, 1, 0, 9, b't']), None);
    assert_eq!(topics(&[0xff, 0xff, 0, 0, 0, 0]), None);
    assert_eq!(topics(b""), None);
}
