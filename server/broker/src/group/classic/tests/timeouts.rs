//! What time does to members.

use super::*;
use ResponseError as E;

#[test]
fn who_is_not_heard_of_is_removed_and_the_others_share_its_part() {
    let mut world = World::stable(2);
    world.pass_beating(SESSION - 1, &["m1"]);
    assert_eq!(world.ids(), ["m1", "m2"]);
    world.pass_beating(1, &["m1"]);
    assert_eq!(world.ids(), ["m1"]);
    assert_eq!(world.heartbeat("m1"), Err(E::RebalanceInProgress));
    assert_eq!(world.heartbeat("m2"), Err(E::UnknownMemberId));
}

#[test]
fn a_commit_counts_as_a_heartbeat() {
    let mut world = World::stable(1);
    world.pass(SESSION - 1);
    world.commit("m1", 1).unwrap();
    world.pass(SESSION - 1);
    assert_eq!(world.ids(), ["m1"]);
    world.pass(1);
    assert_eq!(world.group.state_name(), "Empty");
}

#[test]
fn a_member_that_waits_for_an_answer_needs_no_heartbeat() {
    let mut world = World::stable(2);
    let waiting = world.join(asks("m1"));
    world.pass_beating(3 * SESSION, &["m2"]);
    assert_eq!(world.ids(), ["m1", "m2"]);
    world.join(asks("m2"));
    let follower = world.sync("m2");
    world.pass_beating(2 * SESSION, &["m1"]);
    assert_eq!(world.ids(), ["m1", "m2"], "also when it waits in a sync");
    world.sync_with("m1", &[]);
    assert!(world.joined[&waiting].error.is_none() && world.synced[&follower].error.is_none());
}

#[test]
fn who_does_not_join_again_in_time_is_left_out() {
    let mut world = World::stable(2);
    let newcomer = world.join(asks(""));
    world.join(asks("m1"));
    world.pass_beating(REBALANCE - 1, &["m2"]);
    assert!(!world.joined.contains_key(&newcomer));
    world.pass(1);
    assert_eq!(world.joined[&newcomer].generation, 2);
    assert_eq!(
        world.heartbeat("m2"),
        Err(E::UnknownMemberId),
        "though it was alive"
    );
}

#[test]
fn who_joins_but_does_not_sync_in_time_is_removed() {
    let mut world = World::new();
    world.join(asks(""));
    world.join(asks(""));
    world.pass(DELAY);
    world.pass(DELAY);
    let leader = world.group.leader.clone().unwrap();
    assert_eq!(leader, "m1");
    let follower = world.sync("m2");
    world.pass_beating(REBALANCE, &["m1"]);
    assert_eq!(
        world.ids(),
        ["m2"],
        "the leader only heartbeats: it holds all others up"
    );
    assert_eq!(
        world.synced[&follower].error,
        Some(E::RebalanceInProgress),
        "so that they join again"
    );
    let token = world.join(asks("m2"));
    assert_eq!(world.joined[&token].leader, "m2");
}

/// Two members that have joined; m1 leads.
fn joined_pair() -> World {
    let mut world = World::new();
    world.join(asks(""));
    world.join(asks(""));
    world.pass(DELAY);
    world.pass(DELAY);
    assert_eq!(world.group.state_name(), "CompletingRebalance");
    world
}

#[test]
fn a_follower_that_does_not_sync_in_time_is_removed_though_the_leader_has_assigned() {
    let mut world = joined_pair();
    world.sync_with("m1", &[("m1", b"half"), ("m2", b"half")]);
    assert_eq!(world.group.state_name(), "Stable");
    world.pass_beating(REBALANCE - 1, &["m1", "m2"]);
    assert_eq!(world.ids(), ["m1", "m2"]);
    world.pass(1);
    assert_eq!(world.ids(), ["m1"], "nobody works on its half");
    assert_eq!(world.heartbeat("m1"), Err(E::RebalanceInProgress));
    assert_eq!(world.heartbeat("m2"), Err(E::UnknownMemberId));
    let again = world.join(asks("m1"));
    assert_eq!(world.joined[&again].generation, 2);
}

#[test]
fn a_follower_that_syncs_late_but_in_time_stays() {
    let mut world = joined_pair();
    world.sync_with("m1", &[("m1", b"half"), ("m2", b"half")]);
    world.pass_beating(REBALANCE - 1, &["m1", "m2"]);
    let late = world.sync("m2");
    assert_eq!(world.synced[&late].assignment, "half");
    world.pass_beating(2 * REBALANCE, &["m1", "m2"]);
    assert_eq!(world.ids(), ["m1", "m2"]);
    assert_eq!(world.group.state_name(), "Stable");
}

#[test]
fn each_generation_gives_its_members_the_whole_time_to_sync() {
    let mut world = joined_pair();
    world.sync_with("m1", &[("m1", b"half"), ("m2", b"half")]);
    world.pass_beating(REBALANCE - 1, &["m1", "m2"]);
    world.join(asks("m1"));
    world.join(asks("m2"));
    assert_eq!(world.group.generation(), 2);
    world.sync("m1");
    world.pass_beating(REBALANCE - 1, &["m1", "m2"]);
    assert_eq!(world.ids(), ["m1", "m2"]);
    world.pass(1);
    assert_eq!(world.ids(), ["m1"]);
}

#[test]
fn a_group_of_which_nobody_syncs_ends_empty() {
    let mut world = joined_pair();
    world.pass_beating(REBALANCE, &["m1", "m2"]);
    assert_eq!(world.group.state_name(), "Empty");
    assert_eq!(world.group.next_deadline(), None);
}

#[test]
fn a_first_join_whose_client_is_gone_does_not_stay_for_ever() {
    let mut world = World::stable(1);
    let newcomer = world.join(JoinRequest {
        rebalance_timeout_ms: i32::MAX,
        ..asks("")
    });
    world.pass_beating(299_999, &["m1"]);
    assert_eq!(world.ids().len(), 2);
    world.pass_beating(1, &["m1"]);
    assert_eq!(world.ids(), ["m1"]);
    assert_eq!(world.joined[&newcomer].error, Some(E::UnknownMemberId));
}

#[test]
fn an_empty_first_round_ends_as_an_empty_group() {
    let mut world = World::new();
    let token = world.join(asks(""));
    world.leave("m1", None).unwrap();
    assert_eq!(world.joined[&token].error, Some(E::UnknownMemberId));
    assert_eq!(world.group.state_name(), "Empty");
    assert_eq!(world.group.next_deadline(), None);
}
