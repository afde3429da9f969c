//! Who is who, and since when.

use super::*;

#[test]
fn strangers_and_members_of_the_past_are_fenced() {
    let mut world = World::new(1);
    assert_eq!(world.refused(&goes_on("a", 1)), E::UnknownMemberId);
    world.ok(&joins("a", &["t"]));
    for epoch in [2, 7] {
        assert_eq!(world.refused(&goes_on("a", epoch)), E::FencedMemberEpoch);
    }
    assert_eq!(world.refused(&goes_on("b", 1)), E::UnknownMemberId);
    assert_eq!(world.refused(&goes_on("b", -1)), E::UnknownMemberId);
    assert_eq!(world.group.check_commit("b", 1, true), Err(E::UnknownMemberId));
    assert_eq!(world.group.check_commit("a", 0, true), Err(E::StaleMemberEpoch));
    assert_eq!(world.group.check_commit("a", -1, true), Err(E::StaleMemberEpoch));
    assert_eq!(world.group.check_commit("", -1, true), Err(E::UnknownMemberId));
}

#[test]
fn a_lost_answer_is_given_again() {
    let mut world = World::new(2);
    world.ok(&joins("a", &["t"]));
    let newcomer = world.ok(&joins("b", &["t"]));
    let mine = newcomer.assignment.unwrap();
    world.cluster.set("t", 3);
    let first = world.ok(&goes_on("b", 2));
    assert_eq!(first.epoch, 3);
    // The answer did not arrive: the client says everything again, at the epoch that it knows.
    let again = HeartbeatRequest {
        epoch: 2,
        owned: Some(mine),
        ..joins("b", &["t"])
    };
    let second = world.ok(&again);
    assert_eq!(second.epoch, 3);
    assert!(second.assignment.is_some(), "and is told everything again");
    // Who claims more than it was given did not just lose an answer.
    let id = world.cluster.topics["t"].id;
    let greedy = HeartbeatRequest {
        owned: Some([(id, [0, 1, 2].into())].into()),
        ..again.clone()
    };
    assert_eq!(world.refused(&greedy), E::FencedMemberEpoch);
    let silent = HeartbeatRequest { owned: None, ..again };
    assert_eq!(world.refused(&silent), E::FencedMemberEpoch);
}

#[test]
fn a_member_that_joins_again_owns_nothing_and_gets_its_part_back() {
    let mut world = World::new(2);
    world.ok(&joins("a", &["t"]));
    let again = world.ok(&joins("a", &["t"]));
    assert_eq!((again.epoch, part(&again)), (1, Some(vec![0, 1])));
    assert_eq!(world.group.epoch(), 1, "the others have no reason to move");
    // Also when it had been told to let go: what it does not own any more is free.
    world.ok(&joins("b", &["t"]));
    assert_eq!(part(&world.ok(&goes_on("a", 1))), Some(vec![0]));
    world.ok(&joins("a", &["t"]));
    assert_eq!(part(&world.ok(&goes_on("b", 2))), Some(vec![1]));
}

#[test]
fn requests_that_make_no_sense_are_invalid() {
    let mut world = World::new(1);
    let id = world.cluster.topics["t"].id;
    let join = || joins("a", &["t"]);
    let invalid = [
        HeartbeatRequest {
            member_id: String::new(),
            ..join()
        },
        HeartbeatRequest { epoch: -3, ..join() },
        HeartbeatRequest {
            epoch: i32::MIN,
            ..join()
        },
        HeartbeatRequest { epoch: -2, ..join() },
        HeartbeatRequest {
            instance_id: Some(String::new()),
            ..join()
        },
        HeartbeatRequest {
            rack_id: Some(String::new()),
            ..join()
        },
        HeartbeatRequest {
            rebalance_timeout_ms: None,
            ..join()
        },
        HeartbeatRequest {
            owned: None,
            ..join()
        },
        HeartbeatRequest {
            owned: Some([(id, [0].into())].into()),
            ..join()
        },
        HeartbeatRequest {
            topics: None,
            ..join()
        },
        HeartbeatRequest {
            topics: None,
            regex: Some(String::new()),
            ..join()
        },
    ];
    for request in invalid {
        assert_eq!(world.refused(&request), E::InvalidRequest, "{request:?}");
    }
    let assignor = HeartbeatRequest {
        assignor: Some("sticky".to_owned()),
        ..join()
    };
    let refusal = world.beat(&assignor).unwrap_err();
    assert_eq!(refusal.code, E::UnsupportedAssignor);
    assert!(
        refusal.message.contains("uniform, range"),
        "it tells which there are"
    );
    assert!(world.group.is_empty());
}

#[test]
fn a_full_group_takes_no_more() {
    let mut world = World::new(1);
    for member in ["a", "b", "c", "d"] {
        world.ok(&joins(member, &["t"]));
    }
    assert_eq!(world.refused(&joins("e", &["t"])), E::GroupMaxSizeReached);
    assert_eq!(world.ok(&joins("a", &["t"])).epoch, 4, "who is there may stay");
    world.ok(&goes_on("b", -1));
    world.ok(&joins("e", &["t"]));
}

#[test]
fn what_members_subscribe_to_has_a_bound() {
    let mut world = World::new(1);
    let long = "x".repeat(600);
    world.ok(&joins("a", &[&long]));
    assert_eq!(world.refused(&joins("b", &[&long])), E::GroupMaxSizeReached);
    let more = HeartbeatRequest {
        topics: Some([long.clone(), long.clone() + "y"].into()),
        ..goes_on("a", 1)
    };
    assert_eq!(world.refused(&more), E::GroupMaxSizeReached);
    world.ok(&joins("b", &["t"]));
    let id = "x".repeat(2_000);
    let outsized = [
        joins(&id, &["t"]),
        HeartbeatRequest {
            instance_id: Some(id.clone()),
            ..joins("c", &["t"])
        },
        HeartbeatRequest {
            rack_id: Some(id.clone()),
            ..joins("c", &["t"])
        },
        HeartbeatRequest {
            regex: Some("x".repeat(40_000)),
            ..joins("c", &["t"])
        },
        joins("c", &[&id]),
    ];
    assert!(joins("c", &["t"]).check_bounds(1_000).is_ok());
    for request in outsized {
        assert_eq!(request.check_bounds(1_000).unwrap_err().code, E::InvalidRequest);
    }
}
