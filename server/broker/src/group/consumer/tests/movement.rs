//! Partitions on their way from member to member.

use super::*;

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut world = World::new(3);
    let reply = world.ok(&joins("a", &["t"]));
    assert_eq!((reply.epoch, part(&reply)), (1, Some(vec![0, 1, 2])));
    assert_eq!(reply.heartbeat_interval_ms, 5_000);
    assert_eq!(world.group.state_name(), "Stable");
    let quiet = world.ok(&goes_on("a", 1));
    assert_eq!(
        (quiet.epoch, quiet.assignment),
        (1, None),
        "no change, nothing to tell"
    );
}

#[test]
fn a_partition_is_given_on_only_when_its_owner_has_let_it_go() {
    let mut world = World::new(2);
    let all = world.ok(&joins("a", &["t"])).assignment.unwrap();
    let newcomer = world.ok(&joins("b", &["t"]));
    assert_eq!(
        (newcomer.epoch, part(&newcomer)),
        (2, Some(vec![])),
        "both are a's"
    );
    let told = world.ok(&owning("a", 1, &all));
    assert_eq!(
        (told.epoch, part(&told)),
        (1, Some(vec![0])),
        "a shall let go of one, at its old epoch"
    );
    assert_eq!(
        world.group.check_commit("a", 1, true),
        Ok(()),
        "and commits before it does"
    );
    assert_eq!(world.group.state_name(), "Reconciling");
    // Neither a heartbeat that does not say, nor one that still owns it, is an acknowledgement.
    for heartbeat in [goes_on("a", 1), owning("a", 1, &all)] {
        let reply = world.ok(&heartbeat);
        assert_eq!((reply.epoch, reply.assignment), (1, None));
        assert_eq!(part(&world.ok(&goes_on("b", 2))), None);
    }
    let acknowledged = world.ok(&owning("a", 1, &told.assignment.unwrap()));
    assert_eq!(acknowledged.epoch, 2);
    assert_eq!(world.group.check_commit("a", 1, true), Err(E::StaleMemberEpoch));
    assert_eq!(world.group.check_commit("a", 2, true), Ok(()));
    let given = world.ok(&goes_on("b", 2));
    assert_eq!((given.epoch, part(&given)), (2, Some(vec![1])));
    assert_eq!(world.group.state_name(), "Stable");
}

#[test]
fn who_does_not_let_go_in_time_is_removed() {
    let mut world = World::new(2);
    let all = world.ok(&joins("a", &["t"])).assignment.unwrap();
    world.ok(&joins("b", &["t"]));
    world.ok(&owning("a", 1, &all));
    for _ in 0..5 {
        assert!(world.pass(10_000).is_empty());
        world.ok(&owning("a", 1, &all));
        world.ok(&goes_on("b", 2));
    }
    assert_eq!(world.pass(10_000), ["a"], "it heartbeats, but holds b up");
    assert_eq!(world.refused(&owning("a", 1, &all)), E::UnknownMemberId);
    let rest = world.ok(&goes_on("b", 2));
    assert_eq!((rest.epoch, part(&rest)), (3, Some(vec![0, 1])));
}

#[test]
fn who_lets_go_in_time_has_a_whole_timeout_for_the_next_time() {
    let mut world = World::new(3);
    let all = world.ok(&joins("a", &["t"])).assignment.unwrap();
    world.ok(&joins("b", &["t"]));
    let less = world.ok(&owning("a", 1, &all)).assignment.unwrap();
    world.pass(40_000);
    world.ok(&goes_on("b", 2));
    assert_eq!(world.ok(&owning("a", 1, &less)).epoch, 2);
    world.ok(&joins("c", &["t"]));
    let told = world.ok(&owning("a", 2, &less));
    assert_eq!(part(&told).map(|part| part.len()), Some(1));
    assert!(world.pass(40_000).is_empty());
}

#[test]
fn the_others_share_what_a_leaver_had() {
    let mut world = World::new(2);
    world.ok(&joins("a", &["t"]));
    world.ok(&joins("b", &["t"]));
    let bye = world.ok(&goes_on("a", -1));
    assert_eq!((bye.epoch, bye.assignment), (-1, None));
    assert_eq!(
        world.refused(&goes_on("a", -1)),
        E::UnknownMemberId,
        "one can leave once"
    );
    assert_eq!(world.group.state_name(), "Assigning");
    let rest = world.ok(&goes_on("b", 2));
    assert_eq!((rest.epoch, part(&rest)), (3, Some(vec![0, 1])));
    world.ok(&goes_on("b", -1));
    assert_eq!(world.group.state_name(), "Empty");
    assert_eq!(world.group.next_deadline(), None);
    assert_eq!(world.group.check_commit("", -1, true), Ok(()), "by an operator");
    world.restart();
    let back = world.ok(&joins("a", &["t"]));
    assert_eq!(back.epoch, 5, "epochs go on where they were");
}

#[test]
fn who_is_not_heard_of_is_removed() {
    let mut world = World::new(2);
    world.ok(&joins("a", &["t"]));
    world.ok(&joins("b", &["t"]));
    world.pass(SESSION - 1);
    world.ok(&goes_on("b", 2));
    assert_eq!(world.group.next_deadline(), Some(world.now + 1));
    assert_eq!(world.pass(1), ["a"]);
    assert_eq!(part(&world.ok(&goes_on("b", 2))), Some(vec![0, 1]));
}

#[test]
fn what_moves_is_as_little_as_balance_allows() {
    let mut world = World::new(6);
    let mut part_of = BTreeMap::new();
    for member in ["a", "b", "c"] {
        let mine = world.ok(&joins(member, &["t"])).assignment.unwrap();
        part_of.insert(member, mine);
        let mut before = String::new();
        while before != world.shape() {
            before = world.shape();
            for (member, owned) in &mut part_of {
                let epoch = world.group.members[*member].current.epoch;
                if let Some(assignment) = world.ok(&owning(member, epoch, owned)).assignment {
                    *owned = assignment;
                }
            }
        }
        let sizes: Vec<usize> = part_of.values().map(|owned| each(owned).count()).collect();
        assert_eq!(sizes, vec![6 / part_of.len(); part_of.len()]);
    }
    let a: Vec<_> = each(&part_of["a"]).map(|(_, index)| index).collect();
    assert_eq!(a, [0, 1], "two of the three that it had when they were two");
}

#[test]
fn a_restart_of_the_coordinator_is_not_noticed() {
    let mut world = World::new(4);
    let all = world.ok(&joins("a", &["t"])).assignment.unwrap();
    world.restart();
    world.ok(&joins("b", &["t"]));
    world.restart();
    let told = world.ok(&owning("a", 1, &all));
    world.restart();
    assert_eq!(
        part(&world.ok(&goes_on("b", 2))),
        None,
        "what a has yet to let go stays a's"
    );
    world.ok(&owning("a", 1, &told.assignment.unwrap()));
    world.restart();
    let given = world.ok(&goes_on("b", 2));
    assert_eq!(part(&given).map(|part| part.len()), Some(2));
    assert_eq!(world.ok(&goes_on("a", 2)).assignment, None);
    assert_eq!(world.group.epoch(), 2, "nor does it rebalance anything");
}
