//! What every assignment must be, and what each kind promises beyond.

use proptest::prelude::*;

use super::*;

fn topic(number: usize) -> Arc<str> {
    Arc::from(format!("t{number}"))
}

fn group(topics_of: &[Vec<usize>]) -> Members {
    let member = |(at, topics): (usize, &Vec<usize>)| {
        let topics = topics.iter().map(|number| topic(*number)).collect();
        (
            format!("m{at}"),
            Subscription {
                topics,
                owned: Vec::new(),
                generation: -1,
            },
        )
    };
    topics_of.iter().enumerate().map(member).collect()
}

fn counts(counts: &[i32]) -> BTreeMap<Arc<str>, i32> {
    counts
        .iter()
        .enumerate()
        .map(|(number, count)| (topic(number), *count))
        .collect()
}

/// The members again, owning what was assigned.
fn after(members: &Members, assignment: &Assignment, generation: i32) -> Members {
    let mut next = members.clone();
    for (member, subscription) in &mut next {
        subscription.owned = assignment.get(member).into_iter().flatten().cloned().collect();
        subscription.generation = generation;
    }
    next
}

fn sizes(assignment: &Assignment) -> Vec<usize> {
    assignment.values().map(BTreeSet::len).collect()
}

#[test]
fn range_and_round_robin_agree_with_kafkas_examples() {
    // The examples of the documentation of Kafka's RangeAssignor and RoundRobinAssignor.
    let members = group(&[vec![0, 1], vec![0, 1]]);
    let show = |assignment: &Assignment, member: &str| {
        let name = |p: &TopicPartition| format!("{}p{}", p.topic, p.partition);
        assignment[member].iter().map(name).collect::<Vec<_>>().join(" ")
    };
    let assignment = Assignor::Range.assign(&members, &counts(&[3, 3]));
    assert_eq!(show(&assignment, "m0"), "t0p0 t0p1 t1p0 t1p1");
    assert_eq!(show(&assignment, "m1"), "t0p2 t1p2");
    let assignment = Assignor::RoundRobin.assign(&members, &counts(&[3, 3]));
    assert_eq!(show(&assignment, "m0"), "t0p0 t0p2 t1p1");
    assert_eq!(show(&assignment, "m1"), "t0p1 t1p0 t1p2");
}

#[test]
fn cooperative_moves_in_two_rounds_and_never_shares() {
    let alone = group(&[vec![0]]);
    let first = Assignor::CooperativeSticky.assign(&alone, &counts(&[4]));
    assert_eq!(sizes(&first), [4]);
    let mut both = after(&alone, &first, 1);
    both.extend(group(&[vec![], vec![0]]).into_iter().skip(1));
    let second = Assignor::CooperativeSticky.assign(&both, &counts(&[4]));
    assert_eq!(
        sizes(&second),
        [2, 0],
        "the first gives up two; the second gets nothing yet"
    );
    let third = Assignor::CooperativeSticky.assign(&after(&both, &second, 2), &counts(&[4]));
    assert_eq!(sizes(&third), [2, 2]);
    assert_eq!(third["m0"], second["m0"], "what stayed did not move");
}

proptest! {
    #[test]
    fn every_partition_with_a_reader_has_exactly_one(
        topics_of in prop::collection::vec(prop::collection::vec(0..4_usize, 0..4), 1..6),
        sizes in prop::collection::vec(0..9_i32, 4),
    ) {
        let (members, counts) = (group(&topics_of), counts(&sizes));
        for assignor in [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky] {
            let assignment = assignor.assign(&members, &counts);
            let mut seen: Vec<_> = assignment.values().flatten().collect();
            seen.sort();
            let expected: Vec<_> = counts
                .iter()
                .filter(|(topic, _)| members.values().any(|s| s.topics.contains(*topic)))
                .flat_map(|(topic, count)| (0..*count).map(|partition| TopicPartition { topic: topic.clone(), partition }))
                .collect();
            prop_assert_eq!(seen, expected.iter().collect::<Vec<_>>());
            for (member, partitions) in &assignment {
                prop_assert!(partitions.iter().all(|p| members[member].topics.contains(&p.topic)));
            }
        }
    }

    #[test]
    fn sticky_is_even_and_keeps_what_it_can(before in 1..6_usize, now in 1..6_usize, partitions in 0..30_i32) {
        let counts = counts(&[partitions]);
        let old = group(&vec![vec![0]; before]);
        let first = Assignor::Sticky.assign(&old, &counts);
        let mut members = group(&vec![vec![0]; now]);
        for (member, subscription) in &mut members {
            subscription.owned = first.get(member).into_iter().flatten().cloned().collect();
        }
        let second = Assignor::Sticky.assign(&members, &counts);
        let (least, most) = (*sizes(&second).iter().min().unwrap(), *sizes(&second).iter().max().unwrap());
        prop_assert!(most - least <= 1, "{:?}", sizes(&second));
        // A member gives up only what is more than its share, or takes only what is new.
        for (member, has) in &second {
            let had = first.get(member).cloned().unwrap_or_default();
            let (lost, gained) = (had.difference(has).count(), has.difference(&had).count());
            prop_assert!(lost == 0 || gained == 0, "{} lost {} and gained {}", member, lost, gained);
        }
    }
}
