//! Members with an instance id.

use super::*;

fn instance(member: &str, name: &str) -> HeartbeatRequest {
    HeartbeatRequest {
        instance_id: Some(name.to_owned()),
        ..joins(member, &["t"])
    }
}

fn at(member: &str, name: &str, epoch: i32) -> HeartbeatRequest {
    HeartbeatRequest {
        instance_id: Some(name.to_owned()),
        ..goes_on(member, epoch)
    }
}

#[test]
fn a_restart_gives_the_same_part_to_the_new_member_id() {
    let mut world = World::new(4);
    let all = world.ok(&instance("a", "i")).assignment.unwrap();
    world.ok(&instance("b", "j"));
    let told = world.ok(&HeartbeatRequest {
        owned: Some(all),
        ..at("a", "i", 1)
    });
    world.ok(&HeartbeatRequest {
        owned: told.assignment.clone(),
        ..at("a", "i", 1)
    });
    let other = world.ok(&at("b", "j", 2)).assignment;
    let away = world.ok(&at("a", "i", -2));
    assert_eq!(away.epoch, -2);
    assert_eq!(
        world.ok(&at("b", "j", 2)).assignment,
        None,
        "while it is away its part is its own"
    );
    world.restart();
    let back = world.ok(&instance("a2", "i"));
    assert_eq!((back.epoch, &back.assignment), (2, &told.assignment));
    assert_ne!(back.assignment, other);
    assert_eq!(world.group.epoch(), 2, "nobody else moves");
    assert_eq!(world.group.member_count(), 2);
    world.restart();
    assert_eq!(world.refused(&at("a", "i", 2)), E::FencedInstanceId);
    assert_eq!(world.refused(&at("a", "i", -1)), E::FencedInstanceId);
    assert_eq!(world.refused(&goes_on("a", 2)), E::UnknownMemberId);
    assert_eq!(world.ok(&at("a2", "i", 2)).assignment, None);
}

#[test]
fn an_instance_that_is_still_there_is_not_given_away() {
    let mut world = World::new(1);
    world.ok(&instance("a", "i"));
    assert_eq!(world.refused(&instance("a2", "i")), E::UnreleasedInstanceId);
    world.pass(SESSION);
    world.ok(&instance("a2", "i"));
}

#[test]
fn who_does_not_come_back_loses_its_part() {
    let mut world = World::new(2);
    world.ok(&instance("a", "i"));
    world.ok(&joins("b", &["t"]));
    world.ok(&at("a", "i", -2));
    world.pass(SESSION - 1);
    world.ok(&goes_on("b", 2));
    assert_eq!(world.pass(1), ["a"]);
    assert_eq!(part(&world.ok(&goes_on("b", 2))), Some(vec![0, 1]));
    world.ok(&instance("c", "i"));
}

#[test]
fn what_it_had_to_let_go_is_free_when_it_goes_away() {
    let mut world = World::new(2);
    world.ok(&instance("a", "i"));
    world.ok(&joins("b", &["t"]));
    assert_eq!(part(&world.ok(&at("a", "i", 1))), Some(vec![0]));
    world.ok(&at("a", "i", -2));
    assert_eq!(
        part(&world.ok(&goes_on("b", 2))),
        Some(vec![1]),
        "it stopped: it owns no more"
    );
    assert!(world.pass(REBALANCE as u64 / 2).is_empty());
}

#[test]
fn member_and_instance_must_fit_together() {
    let mut world = World::new(1);
    world.ok(&instance("a", "i"));
    world.ok(&joins("b", &["t"]));
    world.ok(&goes_on("a", 1));
    assert_eq!(world.refused(&at("a", "k", 1)), E::InvalidRequest);
    assert_eq!(world.refused(&at("b", "i", 2)), E::FencedInstanceId);
    assert_eq!(world.refused(&at("b", "k", -2)), E::UnknownMemberId);
    world.ok(&at("a", "i", -2));
    assert_eq!(
        world.refused(&instance("b", "i")),
        E::InvalidRequest,
        "b is a member already"
    );
}

#[test]
fn operators_remove_by_member_or_instance() {
    let mut world = World::new(1);
    world.ok(&instance("a", "i"));
    world.ok(&joins("b", &["t"]));
    let mut records = Vec::new();
    let mut remove = |member: &str, instance| world.group.remove(member, instance, &mut records);
    assert_eq!(remove("", Some("k")), Err(E::UnknownMemberId));
    assert_eq!(remove("b", Some("i")), Err(E::FencedInstanceId));
    assert_eq!(remove("c", None), Err(E::UnknownMemberId));
    assert_eq!(remove("", Some("i")), Ok(()));
    assert_eq!(remove("b", None), Ok(()));
    world.log(&records);
    assert!(world.group.is_empty());
    world.restart();
}
