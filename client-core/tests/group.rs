//! Groups against a real server: sharing, committing, changing hands, coming back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{SOON, client, topic, unique};
use tidemill_client::{
    Assignor, Client, GroupBuilder, GroupConsumer, GroupEvent, GroupProtocol, Record, Start,
};
use tokio::time::Instant;

const A_MOMENT: Duration = Duration::from_millis(50);

async fn produce(client: &Client, topic: &str, count: u32, partitions: u32) {
    let producer = client.producer().build().await.unwrap();
    for number in 0..count {
        let value = number.to_be_bytes();
        let record = Record::to(topic)
            .partition((number % partitions) as i32)
            .value(&value);
        drop(producer.enqueue(record).await.unwrap());
    }
    producer.close(SOON).await.unwrap();
}

/// Reads from one offset to another of the only partition; how many records come at a time depends on how they
/// were batched.
async fn read_to(member: &mut GroupConsumer, from: i64, to: i64) {
    let mut next = from;
    while next < to {
        let most = usize::try_from(to - next).unwrap();
        let records = member.next_batch(most, SOON).await.unwrap();
        assert!(records.next_offset() > next, "nothing came after offset {next}");
        next = records.next_offset();
    }
    assert_eq!(next, to);
}

/// The kinds of group, each as a builder for a member.
fn kinds(client: &Client, group: &str, topic: &str) -> Vec<(String, GroupBuilder)> {
    let base = |kind: &str| {
        client
            .group(format!("{group}-{kind}"))
            .topic(topic)
            .start(Start::Earliest)
            .session_timeout(Duration::from_secs(6))
    };
    let mut kinds: Vec<(String, GroupBuilder)> = [
        Assignor::Range,
        Assignor::RoundRobin,
        Assignor::Sticky,
        Assignor::CooperativeSticky,
    ]
    .into_iter()
    .map(|assignor| {
        (
            format!("{assignor:?}"),
            base(&format!("{assignor:?}")).assignor(assignor),
        )
    })
    .collect();
    kinds.push((
        "KIP-848".to_owned(),
        base("848").protocol(GroupProtocol::Consumer),
    ));
    kinds
}

/// Reads with all members in turn until `enough`, counting how often each record came.
async fn read_until(
    members: &mut [GroupConsumer],
    seen: &mut BTreeMap<u32, u32>,
    enough: impl Fn(&[GroupConsumer], &BTreeMap<u32, u32>) -> bool,
) {
    let until = Instant::now() + SOON * 2;
    while !enough(members, seen) {
        assert!(Instant::now() < until, "not in time; seen {} records", seen.len());
        for member in &mut *members {
            let records = member.next_batch(100, A_MOMENT).await.unwrap();
            for record in records.iter() {
                let value = record.unwrap().value.unwrap();
                *seen
                    .entry(u32::from_be_bytes(value.try_into().unwrap()))
                    .or_default() += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_partitions_and_hand_them_over_without_repeats() {
    let client = client().await;
    let topic = topic(&client, 6).await;
    produce(&client, &topic, 600, 6).await;
    for (kind, builder) in kinds(&client, &unique("share"), &topic) {
        let mut seen = BTreeMap::new();
        let mut members = vec![builder.clone().build().await.unwrap()];
        read_until(&mut members, &mut seen, |members, seen| {
            members[0].assignment().len() == 6 && seen.len() >= 300
        })
        .await;
        members.push(builder.clone().build().await.unwrap());
        read_until(&mut members, &mut seen, |members, seen| {
            members.iter().all(|member| member.assignment().len() == 3) && seen.len() == 600
        })
        .await;
        assert!(
            seen.values().all(|times| *times == 1),
            "{kind}: nothing was read twice"
        );
        let events: Vec<_> = std::iter::from_fn(|| members[0].next_event()).collect();
        assert!(
            events.iter().any(|event| matches!(event, GroupEvent::Revoked(_))),
            "{kind}: {events:?}"
        );
        assert!(
            !events.iter().any(|event| matches!(event, GroupEvent::Lost(_))),
            "{kind}: {events:?}"
        );
        // One leaves, the other takes over; nothing is read again.
        members.remove(0).close(SOON).await.unwrap();
        read_until(&mut members, &mut seen, |members, _| {
            members[0].assignment().len() == 6
        })
        .await;
        assert!(
            members[0].next_batch(100, A_MOMENT * 4).await.unwrap().is_empty(),
            "{kind}"
        );
        members.remove(0).close(SOON).await.unwrap();
        assert!(
            seen.values().all(|times| *times == 1),
            "{kind}: nothing was read twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_committed() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    produce(&client, &topic, 100, 1).await;
    for (kind, builder) in kinds(&client, &unique("commit"), &topic) {
        let builder = builder.auto_commit(None);
        let mut member = builder.clone().build().await.unwrap();
        read_to(&mut member, 0, 10).await;
        member.commit().await.unwrap();
        read_to(&mut member, 10, 20).await;
        assert_eq!(member.committed().await.unwrap()[0].offset, 10, "{kind}");
        member.close(SOON).await.unwrap();
        // The second ten were not committed.
        let mut member = builder.build().await.unwrap();
        let again = member.next_batch(10, SOON).await.unwrap();
        assert_eq!(again.iter().next().unwrap().unwrap().offset, 10, "{kind}");
        member.close(SOON).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_commits_what_was_processed() {
    let client = client().await;
    let topic = topic(&client, 1).await;
    produce(&client, &topic, 100, 1).await;
    for (kind, builder) in kinds(&client, &unique("close"), &topic) {
        let mut member = builder.clone().build().await.unwrap();
        read_to(&mut member, 0, 30).await;
        member.close(SOON).await.unwrap();
        let mut member = builder.build().await.unwrap();
        let records = member.next_batch(30, SOON).await.unwrap();
        assert_eq!(records.iter().next().unwrap().unwrap().offset, 30, "{kind}");
        let described = client.groups().list().await.unwrap();
        assert!(
            described
                .iter()
                .any(|group| group.group_id.starts_with("close") && group.state == "Stable")
        );
        member.close(SOON).await.unwrap();
    }
}
