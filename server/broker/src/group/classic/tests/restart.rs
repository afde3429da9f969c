//! A coordinator that starts again from what was stored.

use super::*;
use ResponseError as E;

/// The world with the group as another coordinator would read it.
fn restarted(mut world: World) -> World {
    let stored = world.stored.last().unwrap().clone();
    world.group = ClassicGroup::restore(limits(), stored, world.now);
    world
}

#[test]
fn members_go_on_as_if_nothing_had_happened() {
    let mut before = World::stable(2);
    before.pass(SESSION - 1);
    let mut world = restarted(before);
    assert_eq!(world.group.state_name(), "Stable");
    world.pass(SESSION - 1);
    assert_eq!(world.ids(), ["m1", "m2"], "sessions begin anew");
    assert_eq!(world.heartbeat("m1"), Ok(()));
    assert_eq!(world.commit("m2", 1), Ok(()));
    let sync = world.sync("m2");
    assert_eq!(world.synced[&sync].assignment, "m2");
    let newcomer = world.join(asks(""));
    world.join(asks("m1"));
    world.join(asks("m2"));
    assert_eq!(world.joined[&newcomer].generation, 2);
}

#[test]
fn a_rebalance_that_was_under_way_begins_again() {
    let mut world = World::stable(1);
    let token = world.join(asks(""));
    world.join(asks("m1"));
    assert_eq!(world.joined[&token].generation, 2);
    let mut world = restarted(world);
    let newcomer = format!("m{}", token.0);
    let beat = world.run(|group, now, _| group.heartbeat(now, (&newcomer, None), 2));
    assert_eq!(
        beat,
        Err(E::UnknownMemberId),
        "it was never assigned anything: it joins anew"
    );
    let beat = world.run(|group, now, _| group.heartbeat(now, ("m1", None), 2));
    assert_eq!(beat, Err(E::IllegalGeneration));
}

#[test]
fn instances_keep_their_holders() {
    let mut world = World::new();
    world.join(instance("a"));
    world.pass(DELAY);
    world.sync_all();
    let mut world = restarted(world);
    let back = world.join(instance("a"));
    assert_eq!(
        (world.joined[&back].error, world.joined[&back].generation),
        (None, 1)
    );
    let fenced = world.run(|group, now, _| group.heartbeat(now, ("m1", Some("a")), 1));
    assert_eq!(fenced, Err(E::FencedInstanceId));
}

#[test]
fn an_empty_group_stays_empty_and_counts_on() {
    let mut world = World::stable(1);
    world.leave("m1", None).unwrap();
    let mut world = restarted(world);
    assert!(world.group.is_idle());
    let token = world.join(asks(""));
    world.pass(DELAY);
    assert_eq!(
        world.joined[&token].generation, 3,
        "generations are not given out twice"
    );
}
