//! Joining, assigning and leaving.

use super::*;
use ResponseError as E;

#[test]
fn who_starts_together_rebalances_once() {
    let mut world = World::new();
    let first = world.join(asks(""));
    world.pass(DELAY - 1);
    let second = world.join(asks(""));
    world.pass(1);
    assert!(world.joined.is_empty(), "the wait grows while members come");
    world.pass(DELAY);
    let (leader, follower) = (&world.joined[&first], &world.joined[&second]);
    assert_eq!((leader.generation, follower.generation), (1, 1));
    assert_eq!((leader.leader.as_str(), follower.leader.as_str()), ("m1", "m1"));
    assert_eq!(leader.protocol.as_deref(), Some("range"));
    let told: Vec<&str> = leader.members.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(told, ["m1", "m2"], "the leader is told of all");
    assert!(follower.members.is_empty(), "and nobody else");
    assert_eq!(world.group.state_name(), "CompletingRebalance");
}

#[test]
fn the_first_wait_ends_at_the_rebalance_timeout_even_if_members_keep_coming() {
    let mut world = World::with(Limits {
        initial_delay_ms: 40,
        max_members: 1_000,
        max_bytes: 1 << 20,
    });
    let first = world.join(JoinRequest {
        rebalance_timeout_ms: 100,
        ..asks("")
    });
    for _ in 0..4 {
        world.join(asks(""));
        world.pass(25);
    }
    assert_eq!(world.joined[&first].generation, 1);
}

#[test]
fn each_member_gets_what_the_leader_gave_it() {
    let mut world = World::new();
    world.join(asks(""));
    world.join(asks(""));
    world.pass(DELAY);
    world.pass(DELAY);
    let follower = world.sync("m2");
    assert!(world.synced.is_empty(), "it waits for the leader");
    let leader = world.sync_with("m1", &[("m1", b"one"), ("m2", b"two"), ("stranger", b"three")]);
    assert_eq!(world.synced[&leader].assignment, "one");
    assert_eq!(world.synced[&follower].assignment, "two");
    assert_eq!(world.group.state_name(), "Stable");
    assert_eq!(world.stored.len(), 1, "stored before it is answered");
    // An answer that got lost is given again.
    let again = world.sync("m2");
    assert_eq!(world.synced[&again].assignment, "two");
}

#[test]
fn a_new_member_makes_the_others_join_again() {
    let mut world = World::stable(2);
    let third = world.join(asks(""));
    assert_eq!(world.heartbeat("m1"), Err(E::RebalanceInProgress));
    let first = world.join(asks("m1"));
    assert!(!world.joined.contains_key(&third), "m2 has yet to come");
    let second = world.join(asks("m2"));
    for token in [first, second, third] {
        assert_eq!(
            (world.joined[&token].error, world.joined[&token].generation),
            (None, 2)
        );
    }
    assert_eq!(world.heartbeat("m1"), Ok(()), "while the leader assigns");
    assert_eq!(
        world.commit("m1", 2),
        Err(E::RebalanceInProgress),
        "its partitions are not sure"
    );
}

#[test]
fn a_waiting_sync_ends_when_another_rebalance_begins() {
    let mut world = World::new();
    world.join(asks(""));
    world.join(asks(""));
    world.pass(DELAY);
    world.pass(DELAY);
    let waiting = world.sync("m2");
    world.join(asks(""));
    assert_eq!(world.synced[&waiting].error, Some(E::RebalanceInProgress));
}

#[test]
fn strangers_and_members_of_the_past_are_told_so() {
    let mut world = World::stable(1);
    assert_eq!(world.heartbeat("nobody"), Err(E::UnknownMemberId));
    assert_eq!(world.commit("nobody", 1), Err(E::UnknownMemberId));
    assert_eq!(world.refused(asks("nobody")), E::UnknownMemberId);
    let stranger = world.sync("nobody");
    assert_eq!(world.synced[&stranger].error, Some(E::UnknownMemberId));
    for generation in [0, 2] {
        let beat = world.run(|group, now, _| group.heartbeat(now, ("m1", None), generation));
        assert_eq!(beat, Err(E::IllegalGeneration));
        assert_eq!(world.commit("m1", generation), Err(E::IllegalGeneration));
    }
    assert_eq!(world.commit("m1", 1), Ok(()));
}

#[test]
fn commits_without_a_generation_are_for_groups_without_members() {
    let mut world = World::new();
    assert_eq!(world.commit("", -1), Ok(()), "a simple consumer");
    world.join(asks(""));
    assert_eq!(world.commit("", -1), Err(E::UnknownMemberId));
    let mut world = World::stable(1);
    assert_eq!(world.commit("", -1), Err(E::UnknownMemberId));
    assert_eq!(world.commit("m1", -1), Err(E::IllegalGeneration));
    world.leave("m1", None).unwrap();
    assert_eq!(world.commit("", -1), Ok(()));
}

#[test]
fn a_new_member_of_a_newer_client_gets_its_id_first() {
    let mut world = World::new();
    let ask = JoinRequest {
        require_member_id: true,
        ..asks("")
    };
    let token = world.join(ask.clone());
    assert_eq!(world.joined[&token].error, Some(E::MemberIdRequired));
    let id = world.joined[&token].member_id.clone();
    assert!(
        world.ids().is_empty() && !world.group.is_idle(),
        "expected, not yet here"
    );
    let made_up = JoinRequest {
        member_id: "made-up".to_owned(),
        ..ask.clone()
    };
    assert_eq!(world.refused(made_up), E::UnknownMemberId);
    let token = world.join(JoinRequest {
        member_id: id.clone(),
        ..ask
    });
    world.pass(DELAY);
    assert_eq!(
        (world.joined[&token].error, &world.joined[&token].member_id),
        (None, &id)
    );
}

#[test]
fn who_was_given_an_id_is_waited_for_but_not_for_ever() {
    let mut world = World::stable(1);
    let ask = JoinRequest {
        require_member_id: true,
        ..asks("")
    };
    let token = world.join(ask.clone());
    let id = world.joined[&token].member_id.clone();
    let leader = world.join(asks("m1"));
    assert!(!world.joined.contains_key(&leader), "the newcomer is on its way");
    world.pass(SESSION);
    assert_eq!(
        world.joined[&leader].generation, 2,
        "it did not come within its session timeout"
    );
    let late = JoinRequest { member_id: id, ..ask };
    assert_eq!(world.refused(late), E::UnknownMemberId);
}

#[test]
fn members_must_share_type_and_assignor() {
    let mut world = World::new();
    assert_eq!(world.refused(offering("", &[])), E::InconsistentGroupProtocol);
    let untyped = JoinRequest {
        protocol_type: String::new(),
        ..asks("")
    };
    assert_eq!(world.refused(untyped), E::InconsistentGroupProtocol);
    let mut world = World::stable(2);
    assert_eq!(
        world.refused(offering("", &["sticky"])),
        E::InconsistentGroupProtocol
    );
    assert_eq!(
        world.refused(offering("m2", &["sticky"])),
        E::InconsistentGroupProtocol
    );
    let connect = JoinRequest {
        protocol_type: "connect".to_owned(),
        ..asks("")
    };
    assert_eq!(world.refused(connect), E::InconsistentGroupProtocol);
    assert_eq!(world.heartbeat("m1"), Ok(()), "the refused ones disturbed nobody");
    // Who is alone may change its mind.
    let mut world = World::stable(1);
    let token = world.join(offering("m1", &["sticky"]));
    assert_eq!(world.joined[&token].protocol.as_deref(), Some("sticky"));
}

#[test]
fn a_sync_names_what_the_member_believes_in() {
    let mut world = World::stable(1);
    let mut sync = |protocol_type: &str, protocol: &str| {
        let token = world.token();
        let request = SyncRequest {
            token,
            generation: 1,
            member_id: "m1".to_owned(),
            instance_id: None,
            protocol_type: Some(protocol_type.to_owned()),
            protocol: Some(protocol.to_owned()),
            assignments: Vec::new(),
        };
        world.run(|group, now, effects| group.sync(now, request, effects));
        world.synced[&token].error
    };
    assert_eq!(sync("consumer", "range"), None);
    assert_eq!(sync("consumer", "sticky"), Some(E::InconsistentGroupProtocol));
    assert_eq!(sync("connect", "range"), Some(E::InconsistentGroupProtocol));
}

#[test]
fn the_assignor_that_most_prefer_among_those_that_all_know_wins() {
    let mut world = World::new();
    let first = world.join(offering("", &["range", "roundrobin", "sticky"]));
    world.join(offering("", &["sticky", "roundrobin"]));
    world.join(offering("", &["roundrobin", "sticky"]));
    world.pass(DELAY);
    world.pass(DELAY);
    assert_eq!(world.joined[&first].protocol.as_deref(), Some("roundrobin"));
}

#[test]
fn cooperative_members_rebalance_twice_without_stopping() {
    // As the consumer's guide tells: first all offer both, and the old one is used on.
    let mut world = World::new();
    let old = world.join(offering("", &["range"]));
    world.join(offering("", &["cooperative-sticky", "range"]));
    world.pass(DELAY);
    world.pass(DELAY);
    assert_eq!(world.joined[&old].protocol.as_deref(), Some("range"));
    world.sync_all();
    world.join(offering("m1", &["cooperative-sticky", "range"]));
    let second = world.join(offering("m2", &["cooperative-sticky", "range"]));
    assert_eq!(
        world.joined[&second].protocol.as_deref(),
        Some("cooperative-sticky")
    );
    world.sync_all();
    // A member gave partitions up: it joins again with what it owns now, and that is a new round.
    let owns = |what: &'static [u8]| JoinRequest {
        protocols: vec![("cooperative-sticky".to_owned(), Bytes::from_static(what))],
        ..asks("m2")
    };
    let follower = world.join(owns(b"p1"));
    assert_eq!(
        world.heartbeat("m1"),
        Err(E::RebalanceInProgress),
        "and goes on working"
    );
    assert_eq!(world.commit("m1", 2), Ok(()), "and committing");
    let leader = world.join(offering("m1", &["cooperative-sticky"]));
    assert_eq!(world.joined[&follower].generation, 3);
    let told = &world.joined[&leader].members[1];
    assert_eq!((told.id.as_str(), &told.metadata[..]), ("m2", &b"p1"[..]));
}

#[test]
fn only_a_leader_or_a_changed_member_disturbs_the_others() {
    let mut world = World::stable(2);
    let same = world.join(asks("m2"));
    assert_eq!(world.joined[&same].generation, 1, "it missed an answer");
    assert_eq!(world.heartbeat("m1"), Ok(()));
    world.join(asks("m1"));
    assert_eq!(
        world.heartbeat("m2"),
        Err(E::RebalanceInProgress),
        "the leader wants to assign"
    );
}

#[test]
fn a_lost_answer_to_a_join_is_given_again() {
    let mut world = World::new();
    world.join(asks(""));
    world.pass(DELAY);
    let again = world.join(asks("m1"));
    assert_eq!(
        (
            world.joined[&again].generation,
            world.joined[&again].members.len()
        ),
        (1, 1)
    );
    let changed = world.join(offering("m1", &["sticky"]));
    assert_eq!(
        world.joined[&changed].generation, 2,
        "but not to one that says something new"
    );
}

#[test]
fn a_second_join_of_a_member_takes_the_place_of_the_first() {
    let mut world = World::stable(2);
    world.join(asks("m1"));
    let first = Token(world.tokens);
    let second = world.join(asks("m1"));
    assert_eq!(world.joined[&first].error, Some(E::RebalanceInProgress));
    world.join(asks("m2"));
    assert_eq!(world.joined[&second].error, None);
}

#[test]
fn who_leaves_is_replaced_at_once() {
    let mut world = World::stable(3);
    world.leave("m1", None).unwrap();
    assert_eq!(world.leave("m1", None), Err(E::UnknownMemberId));
    let (second, third) = (world.join(asks("m2")), world.join(asks("m3")));
    assert_eq!(world.joined[&second].leader, "m2", "the leader had left");
    assert_eq!(world.joined[&third].generation, 2);
}

#[test]
fn the_last_one_leaves_an_empty_group_behind() {
    let mut world = World::stable(1);
    world.leave("m1", None).unwrap();
    assert_eq!(world.group.state_name(), "Empty");
    assert!(world.group.is_idle());
    let stored = world.stored.last().unwrap();
    assert_eq!(
        (stored.generation, stored.members.len(), &stored.protocol),
        (2, 0, &None)
    );
    assert_eq!(
        stored.protocol_type, "consumer",
        "whose offsets these are, tools still see"
    );
    assert_eq!(world.group.next_deadline(), None);
    // And another kind of program may take it over.
    let connect = JoinRequest {
        protocol_type: "connect".to_owned(),
        ..asks("")
    };
    let token = world.join(connect);
    world.pass(DELAY);
    assert_eq!(
        (world.joined[&token].error, world.joined[&token].generation),
        (None, 3)
    );
}

#[test]
fn a_full_group_takes_no_more_but_keeps_who_is_there() {
    let mut world = World::stable(4);
    assert_eq!(world.refused(asks("")), E::GroupMaxSizeReached);
    let ask = JoinRequest {
        require_member_id: true,
        ..asks("")
    };
    assert_eq!(world.refused(ask), E::GroupMaxSizeReached, "nor promises a place");
    world.join(asks("m1"));
    assert_eq!(world.heartbeat("m2"), Err(E::RebalanceInProgress));
    for id in ["m2", "m3", "m4"] {
        world.join(asks(id));
    }
    assert_eq!(world.group.generation(), 2);
}

#[test]
fn what_members_say_and_get_has_a_bound() {
    let mut world = World::stable(1);
    let wordy = |id: &str, bytes| JoinRequest {
        protocols: vec![("range".to_owned(), Bytes::from(vec![0; bytes]))],
        ..asks(id)
    };
    assert_eq!(world.refused(wordy("", 1_000)), E::GroupMaxSizeReached);
    assert_eq!(world.heartbeat("m1"), Ok(()));
    let token = world.join(wordy("m1", 900));
    assert_eq!(world.joined[&token].error, None, "its own old words do not count");
    let much = world.sync_with("m1", &[("m1", &[0; 200])]);
    assert_eq!(world.synced[&much].error, Some(E::GroupMaxSizeReached));
    let less = world.sync_with("m1", &[("m1", b"part")]);
    assert_eq!(world.synced[&less].assignment, "part");
}

#[test]
fn a_request_has_bounds_of_its_own() {
    let long = "x".repeat(2_000);
    assert_eq!(asks("").check_bounds(100), Ok(()));
    let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let outsized = [
        asks(&long),
        instance(&long),
        offering("", &[&long]),
        offering("", &many),
        JoinRequest {
            protocol_type: long.clone(),
            ..asks("")
        },
        JoinRequest {
            protocols: vec![("range".to_owned(), Bytes::from(vec![0; 101]))],
            ..asks("")
        },
    ];
    for request in outsized {
        assert_eq!(request.check_bounds(100), Err(E::InvalidRequest));
    }
}
