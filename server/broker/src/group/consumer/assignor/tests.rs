//! What every assignment owes to members and operators.

use proptest::prelude::*;

use super::*;

fn topic(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn member(id: &str, subscribed: &[u128]) -> AssignorMember {
    AssignorMember {
        id: id.to_owned(),
        instance_id: None,
        subscribed: Arc::new(subscribed.iter().copied().map(topic).collect()),
        previous: TopicPartitions::new(),
    }
}

fn input(topics: &[(u128, i32)], members: Vec<AssignorMember>) -> AssignorInput {
    AssignorInput {
        topics: topics.iter().map(|(id, count)| (topic(*id), *count)).collect(),
        members,
    }
}

fn flat(partitions: &TopicPartitions) -> Vec<(u128, i32)> {
    super::super::each(partitions)
        .map(|(topic, index)| (topic.as_u128(), index))
        .collect()
}

#[test]
fn range_gives_neighbours_and_the_same_numbers_of_all_topics() {
    let members = vec![member("a", &[1, 2]), member("b", &[1, 2]), member("c", &[2])];
    let assigned = assign(RANGE, &input(&[(1, 5), (2, 3)], members));
    assert_eq!(flat(&assigned["a"]), [(1, 0), (1, 1), (1, 2), (2, 0)]);
    assert_eq!(flat(&assigned["b"]), [(1, 3), (1, 4), (2, 1)]);
    assert_eq!(flat(&assigned["c"]), [(2, 2)]);
}

#[test]
fn range_goes_by_instance_so_that_a_new_member_id_changes_nothing() {
    let with = |id: &str, instance: &str| AssignorMember {
        instance_id: Some(instance.to_owned()),
        ..member(id, &[1])
    };
    let before = assign(RANGE, &input(&[(1, 2)], vec![with("a", "i"), with("b", "j")]));
    let after = assign(RANGE, &input(&[(1, 2)], vec![with("b", "j"), with("z", "i")]));
    assert_eq!(before["a"], after["z"]);
    assert_eq!(before["b"], after["b"]);
}

#[test]
fn uniform_spreads_each_topic_over_the_members() {
    let members = vec![member("a", &[1, 2]), member("b", &[1, 2])];
    let assigned = assign(UNIFORM, &input(&[(1, 2), (2, 2)], members));
    for part in assigned.values() {
        assert_eq!(part.len(), 2, "of both topics one each");
    }
}

#[test]
fn more_members_than_partitions_leave_some_idle() {
    let members: Vec<_> = (0..5).map(|n| member(&n.to_string(), &[1])).collect();
    for name in NAMES {
        let assigned = assign(name, &input(&[(1, 3)], members.clone()));
        let mut sizes: Vec<usize> = assigned.values().map(|part| flat(part).len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [0, 0, 1, 1, 1], "{name}");
    }
}

#[test]
fn nobody_and_nothing_are_assigned_to_nobody() {
    for name in NAMES {
        assert!(assign(name, &input(&[(1, 3)], Vec::new())).is_empty());
        let assigned = assign(name, &input(&[], vec![member("a", &[1])]));
        assert_eq!(assigned["a"], TopicPartitions::new());
    }
}

/// Members with anything as their last part: other topics, partitions that are gone, and the same twice.
fn any_input(same: bool) -> impl Strategy<Value = AssignorInput> {
    let previous = proptest::collection::btree_map(
        (0..5u128).prop_map(topic),
        proptest::collection::btree_set(0..9i32, 0..5),
        0..4,
    );
    let subscribed = proptest::collection::btree_set((0..4u128).prop_map(topic), 0..4);
    let members = proptest::collection::vec((subscribed, previous), 0..7);
    let counts = proptest::collection::vec(0..9i32, 4);
    (members, counts).prop_map(move |(members, counts)| {
        let all = members.first().map(|(subscribed, _)| subscribed.clone());
        let members: Vec<AssignorMember> = (0..)
            .zip(members)
            .map(|(n, (subscribed, previous))| AssignorMember {
                id: format!("m{n}"),
                instance_id: (n % 3 == 0).then(|| format!("i{}", 9 - n)),
                subscribed: Arc::new(all.clone().filter(|_| same).unwrap_or(subscribed)),
                previous,
            })
            .collect();
        let wanted: BTreeSet<Uuid> = members
            .iter()
            .flat_map(|m| m.subscribed.iter().copied())
            .collect();
        let topics = (0..).map(topic).zip(counts);
        AssignorInput {
            topics: topics.filter(|(id, _)| wanted.contains(id)).collect(),
            members,
        }
    })
}

/// Every partition of a subscribed topic to exactly one member that subscribes to it.
fn complete(input: &AssignorInput, assigned: &BTreeMap<String, TopicPartitions>) {
    let mut given = Vec::new();
    for member in &input.members {
        let part = &assigned[&member.id];
        assert!(part.keys().all(|topic| member.subscribed.contains(topic)));
        given.extend(flat(part));
    }
    given.sort_unstable();
    let all: Vec<(u128, i32)> = input
        .topics
        .iter()
        .flat_map(|(id, count)| (0..*count).map(|index| (id.as_u128(), index)))
        .collect();
    assert_eq!(given, all);
}

/// The next time, with the answer as the last part.
fn again(input: &AssignorInput, assigned: &BTreeMap<String, TopicPartitions>) -> AssignorInput {
    let mut next = input.clone();
    for member in &mut next.members {
        member.previous = assigned[&member.id].clone();
    }
    next
}

proptest! {
    #[test]
    fn each_partition_has_one_member_and_repeating_moves_nothing(
        input in prop_oneof![any_input(true), any_input(false)],
    ) {
        for name in NAMES {
            let assigned = assign(name, &input);
            prop_assert_eq!(&assign(name, &input), &assigned, "not determined by its input");
            complete(&input, &assigned);
            prop_assert_eq!(&assign(name, &again(&input, &assigned)), &assigned, "it moves for nothing");
        }
    }

    #[test]
    fn uniform_is_balanced_and_moves_only_what_balance_needs(input in any_input(true)) {
        let assigned = assign(UNIFORM, &input);
        let sizes: Vec<usize> = assigned.values().map(|part| flat(part).len()).collect();
        let (most, least) = (sizes.iter().max().copied().unwrap_or(0), sizes.iter().min().copied().unwrap_or(0));
        prop_assert!(most - least <= 1, "{:?}", sizes);
        // One more member: it takes its share, and nothing else moves.
        let mut grown = again(&input, &assigned);
        let Some(first) = grown.members.first().cloned() else { return Ok(()) };
        grown.members.push(AssignorMember { id: "zz".to_owned(), previous: TopicPartitions::new(), ..first });
        let after = assign(UNIFORM, &grown);
        for (id, part) in &assigned {
            let before: BTreeSet<_> = flat(part).into_iter().collect();
            prop_assert!(flat(&after[id]).iter().all(|partition| before.contains(partition)));
        }
    }

    #[test]
    fn with_different_subscriptions_no_single_move_would_even_it_out(input in any_input(false)) {
        let assigned = assign(UNIFORM, &input);
        let size = |id: &str| flat(&assigned[id]).len();
        for holder in &input.members {
            for topic in assigned[&holder.id].keys() {
                for other in input.members.iter().filter(|m| m.subscribed.contains(topic)) {
                    prop_assert!(size(&holder.id) <= size(&other.id) + 1);
                }
            }
        }
    }
}
