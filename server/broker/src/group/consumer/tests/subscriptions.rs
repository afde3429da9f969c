//! What members subscribe to, by name and by expression.

use super::*;

fn by_regex(member: &str, regex: &str) -> HeartbeatRequest {
    HeartbeatRequest {
        topics: None,
        regex: Some(regex.to_owned()),
        ..joins(member, &[])
    }
}

fn topics_of(world: &World, reply: &HeartbeatReply) -> Vec<String> {
    let topics = reply.assignment.iter().flat_map(|assignment| assignment.keys());
    let mut names: Vec<String> = topics.filter_map(|id| world.cluster.name_of(*id)).collect();
    names.sort();
    names
}

#[test]
fn topics_come_grow_and_go() {
    let mut world = World::new(1);
    let none = world.ok(&joins("a", &["later"]));
    assert_eq!((none.epoch, part(&none)), (1, Some(vec![])));
    world.cluster.set("unrelated", 5);
    assert_eq!(world.ok(&goes_on("a", 1)).epoch, 1, "not its topic");
    world.cluster.set("later", 1);
    let made = world.ok(&goes_on("a", 1));
    assert_eq!((made.epoch, part(&made)), (2, Some(vec![0])));
    world.cluster.set("later", 3);
    let grown = world.ok(&goes_on("a", 2));
    assert_eq!((grown.epoch, part(&grown)), (3, Some(vec![0, 1, 2])));
    world.cluster.delete("later");
    let gone = world.ok(&goes_on("a", 3));
    assert_eq!(
        (gone.epoch, part(&gone)),
        (3, Some(vec![])),
        "it lets go at its old epoch"
    );
    assert_eq!(world.ok(&owning("a", 3, &TopicPartitions::new())).epoch, 4);
    // The same name, but another topic.
    world.cluster.set("later", 1);
    assert_eq!(part(&world.ok(&goes_on("a", 4))), Some(vec![0]));
    world.restart();
    assert_eq!(
        world.ok(&goes_on("a", 5)).epoch,
        5,
        "what did not change over a restart moves nothing"
    );
}

#[test]
fn a_member_may_change_its_mind() {
    let mut world = World::new(1);
    world.cluster.set("u", 1);
    let first = world.ok(&joins("a", &["t"]));
    assert_eq!(topics_of(&world, &first), ["t"]);
    let change = HeartbeatRequest {
        topics: Some(["u".to_owned()].into()),
        ..owning("a", 1, &first.assignment.unwrap())
    };
    let told = world.ok(&change);
    assert_eq!((told.epoch, part(&told)), (1, Some(vec![])));
    let moved = world.ok(&owning("a", 1, &TopicPartitions::new()));
    assert_eq!(
        (moved.epoch, topics_of(&world, &moved)),
        (2, vec!["u".to_owned()])
    );
}

#[test]
fn an_expression_matches_whole_names_now_and_later() {
    let mut world = World::new(1);
    for name in ["orders-1", "orders-2", "my-orders-1", "orders-x"] {
        world.cluster.set(name, 1);
    }
    let reply = world.ok(&by_regex("a", "orders-[0-9]+|t"));
    assert_eq!(topics_of(&world, &reply), ["orders-1", "orders-2", "t"]);
    world.cluster.set("orders-33", 1);
    let more = world.ok(&goes_on("a", 1));
    assert_eq!(
        topics_of(&world, &more),
        ["orders-1", "orders-2", "orders-33", "t"]
    );
    assert!(
        world
            .group
            .subscribes_to("orders-1", Some(world.cluster.topics["orders-1"].id))
    );
    world.restart();
    let id = world.cluster.topics["orders-1"].id;
    world.group.refresh(&world.cluster);
    assert!(
        world.group.subscribes_to("orders-1", Some(id)),
        "also before the first heartbeat"
    );
    assert_eq!(world.ok(&goes_on("a", 2)).epoch, 2);
    // An empty expression ends the subscription; names stay.
    let ends = HeartbeatRequest {
        regex: Some(String::new()),
        topics: Some(["t".to_owned()].into()),
        ..goes_on("a", 2)
    };
    let reply = world.ok(&ends);
    assert_eq!(topics_of(&world, &reply), ["t"]);
}

#[test]
fn expressions_that_are_none_are_refused_and_not_kept() {
    let mut world = World::new(1);
    world.ok(&joins("a", &["t"]));
    for regex in ["(", "a)|(b", "[z-a]", "(?:a{1000}){1000}"] {
        assert_eq!(
            world.refused(&by_regex("b", regex)),
            E::InvalidRegularExpression,
            "{regex}"
        );
    }
    for n in 0..200 {
        let stranger = HeartbeatRequest {
            epoch: 1,
            ..by_regex("b", &format!("x{n}"))
        };
        assert_eq!(world.refused(&stranger), E::UnknownMemberId);
    }
    assert_eq!(world.group.pattern_count(), 0);
}

#[test]
fn the_expressions_of_a_group_are_bounded_and_forgotten_with_their_members() {
    let mut world = World::new(1);
    for n in 0..200 {
        world.ok(&by_regex("a", &format!("x{n}")));
    }
    assert!(world.group.pattern_count() <= 2);
    let limits = Limits {
        max_members: 1_000,
        max_bytes: 1 << 20,
        ..limits()
    };
    world.group = ConsumerGroup::new("g".to_owned(), limits);
    for n in 0..64 {
        world.ok(&by_regex(&format!("m{n}"), &format!("x{n}")));
    }
    assert_eq!(world.refused(&by_regex("n", "x64")), E::InvalidRegularExpression);
    world.ok(&by_regex("n", "x63"));
    for n in 0..64 {
        world.ok(&goes_on(&format!("m{n}"), -1));
    }
    world.ok(&by_regex("m", "x64"));
}

#[test]
fn the_assignor_that_most_ask_for_assigns() {
    let mut world = World::new(4);
    world.cluster.set("u", 4);
    let asks = |member: &str, assignor: &str| HeartbeatRequest {
        assignor: Some(assignor.to_owned()),
        ..joins(member, &["t", "u"])
    };
    world.ok(&joins("a", &["t", "u"]));
    assert_eq!(world.group.assignor_name(), "uniform");
    world.ok(&asks("b", "range"));
    assert_eq!(world.group.assignor_name(), "range");
    world.ok(&asks("c", "uniform"));
    assert_eq!(world.group.assignor_name(), "uniform", "a draw");
    world.ok(&asks("d", "range"));
    assert_eq!(world.group.assignor_name(), "range");
    let target: Vec<Vec<i32>> = world
        .group
        .member_views()
        .iter()
        .map(|view| each(&view.target).map(|(_, index)| index).collect())
        .collect();
    assert_eq!(
        target,
        [[0, 0], [1, 1], [2, 2], [3, 3]],
        "the same numbers of both topics"
    );
}
