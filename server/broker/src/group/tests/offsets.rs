//! Committed offsets: who may commit, how long they stay.

use super::*;

const WEEK_MS: u64 = 7 * 24 * 3_600_000;

fn note(metadata: String) -> Vec<Commit> {
    vec![Commit {
        topic: "t".to_owned(),
        partition: 0,
        offset: 1,
        leader_epoch: 4,
        metadata,
    }]
}

#[tokio::test]
async fn each_partition_has_its_own_result() {
    let desk = Desk::start().await;
    let offsets = [("t", 0, 7), ("t", 2, 7), ("t", -1, 7), ("missing", 0, 7)];
    let results = desk.commit_all("g", &nobody(), &offsets).await.unwrap();
    let unknown = Err(E::UnknownTopicOrPartition);
    assert_eq!(results, [Ok(()), unknown, unknown, unknown]);
    assert_eq!(desk.committed("g", "t", 0).await, Some(7));
    assert_eq!(desk.committed("g", "t", 1).await, None);
    let long = soon(
        desk.groups
            .commit_offsets("g", &nobody(), note("n".repeat(4_097))),
    )
    .await;
    assert_eq!(long, Ok(vec![Err(E::OffsetMetadataTooLarge)]));
    let fits = soon(
        desk.groups
            .commit_offsets("g", &nobody(), note("n".repeat(4_096))),
    )
    .await;
    assert_eq!(fits, Ok(vec![Ok(())]));
}

#[tokio::test]
async fn only_members_commit_while_there_are_members() {
    let desk = Desk::start().await;
    let id = desk.classic("g").await;
    assert_eq!(desk.commit("g", "t", 0, 1).await, Err(E::UnknownMemberId));
    let commit = async |who: Committer| desk.commit_all("g", &who, &[("t", 0, 1)]).await;
    assert_eq!(commit(member(&id, 1)).await, Ok(vec![Ok(())]));
    assert_eq!(commit(member(&id, 2)).await, Err(E::IllegalGeneration));
    assert_eq!(commit(member("other", 1)).await, Err(E::UnknownMemberId));
    desk.beat("h", beating("m", 0)).await.unwrap();
    let commit = async |who: Committer| desk.commit_all("h", &who, &[("t", 0, 1)]).await;
    assert_eq!(commit(member("m", 1)).await, Ok(vec![Ok(())]));
    assert_eq!(commit(member("m", 0)).await, Err(E::StaleMemberEpoch));
    let older = Committer {
        knows_epochs: false,
        ..member("m", 1)
    };
    assert_eq!(
        commit(older).await,
        Err(E::UnsupportedVersion),
        "it would misread a stale epoch"
    );
    let read = |epoch| desk.groups.fetch_offsets("h", Some(("m", epoch)), None);
    assert_eq!(soon(read(1)).await.unwrap().len(), 1);
    assert_eq!(soon(read(0)).await, Err(E::StaleMemberEpoch));
}

#[tokio::test]
async fn offsets_of_a_group_that_nobody_uses_expire() {
    let desk = Desk::start().await;
    assert_eq!(desk.commit("simple", "t", 0, 1).await, Ok(()));
    let id = desk.classic("g").await;
    desk.commit_all("g", &member(&id, 1), &[("t", 0, 1)])
        .await
        .unwrap();
    desk.beat("h", beating("m", 0)).await.unwrap();
    desk.commit_all("h", &member("m", 1), &[("t", 0, 1)])
        .await
        .unwrap();
    let own = Committer {
        retention_ms: Some(1_000),
        ..nobody()
    };
    desk.commit_all("own", &own, &[("t", 0, 1)]).await.unwrap();
    let kept = async |names: &[&str]| {
        for name in ["simple", "g", "h", "own"] {
            let there = desk.committed(name, "t", 0).await.is_some();
            assert_eq!(there, names.contains(&name), "{name}");
        }
    };
    let shard = desk.groups.shard("g").unwrap();
    // Stops the coordinator's own sweeps, so that the test's are the only ones.
    let sweep = |ms: u64| {
        desk.pass(ms);
        desk.groups.expire_offsets();
    };
    sweep(1_000);
    kept(&["simple", "g", "h"]).await;
    // Members keep what is theirs, for as long as they are there.
    for _ in 0..8 {
        shard
            .with(|active| {
                for (id, group) in &mut active.groups {
                    assert!(!group.is_empty() || id == "simple");
                }
            })
            .unwrap();
        let generation = desk.groups.heartbeat("g", (&id, None), 1);
        assert_eq!(generation, Ok(()));
        desk.beat("h", beating("m", 1)).await.unwrap();
        sweep(5_000);
    }
    let leave = classic::LeaveIdentity {
        member_id: id,
        instance_id: None,
    };
    soon(desk.groups.leave("g", &[leave])).await.unwrap();
    desk.beat(
        "h",
        HeartbeatRequest {
            epoch: -1,
            ..beating("m", -1)
        },
    )
    .await
    .unwrap();
    sweep(0);
    sweep(WEEK_MS - 41_001);
    kept(&["simple", "g", "h"]).await;
    sweep(1);
    kept(&["g", "h"]).await;
    // Theirs runs from when the last member left.
    sweep(41_000 - 1);
    kept(&["g", "h"]).await;
    sweep(1);
    kept(&[]).await;
    assert_eq!(desk.overview(), [], "of which nothing is left");
    let desk = desk.restart().await;
    assert_eq!(desk.overview(), []);
}

#[tokio::test]
async fn members_keep_only_what_they_subscribe_to() {
    let desk = Desk::start_with(|config| config.offsets_retention_ms = 3_000).await;
    desk.topic(|cluster| cluster.set("u", 1));
    for group in ["g", "h", "c"] {
        desk.commit_all(group, &nobody(), &[("t", 0, 1), ("u", 0, 1)])
            .await
            .unwrap();
    }
    desk.classic("g").await;
    desk.beat("h", beating("m", 0)).await.unwrap();
    let connect = JoinRequest {
        protocol_type: "connect".to_owned(),
        ..joining("")
    };
    let id = desk.join("c", connect).await.member_id;
    desk.sync("c", &id, 1).await;
    desk.pass(3_000);
    desk.groups.expire_offsets();
    for (group, keeps_u) in [("g", false), ("h", false), ("c", true)] {
        assert_eq!(desk.committed(group, "t", 0).await, Some(1), "{group}");
        assert_eq!(desk.committed(group, "u", 0).await.is_some(), keeps_u, "{group}");
    }
}

#[tokio::test]
async fn offsets_go_with_their_topic() {
    let desk = Desk::start().await;
    for round in 0..20 {
        assert_eq!(desk.commit("g", "t", 0, 50 + round).await, Ok(()));
        assert_eq!(desk.commit("g", "t", 1, 50).await, Ok(()));
        desk.topic(|cluster| cluster.delete("t"));
        // Another wake-up at the same time must not hide the change.
        desk.groups.changed();
        let gone = async || desk.groups.offsets("g").unwrap().unwrap_or_default().is_empty();
        soon(async {
            while !gone().await {
                tokio::task::yield_now().await;
            }
        })
        .await;
        desk.topic(|cluster| cluster.set("t", 2));
        assert_eq!(
            desk.committed("g", "t", 0).await,
            None,
            "the new topic begins at its beginning"
        );
    }
}

#[tokio::test]
async fn the_offset_of_another_topic_of_that_name_is_never_shown() {
    let desk = Desk::start().await;
    assert_eq!(desk.commit("g", "t", 0, 50).await, Ok(()));
    // Before the coordinator hears of it.
    let mut cluster = desk.topics.0.lock().unwrap().clone();
    cluster.delete("t");
    cluster.set("t", 2);
    *desk.topics.0.lock().unwrap() = cluster;
    assert_eq!(desk.committed("g", "t", 0).await, None);
    assert_eq!(soon(desk.groups.fetch_offsets("g", None, None)).await, Ok(vec![]));
}

#[tokio::test]
async fn deleting_takes_offsets_that_nobody_reads_on_from() {
    let desk = Desk::start().await;
    desk.topic(|cluster| cluster.set("u", 1));
    let delete = async |group: &str, topic: &str| {
        let partitions = [(topic.to_owned(), 0)];
        soon(desk.groups.delete_offsets(group, &partitions)).await
    };
    assert_eq!(delete("g", "t").await, Err(E::GroupIdNotFound));
    desk.commit("g", "u", 0, 1).await.unwrap();
    let id = desk.classic("g").await;
    assert_eq!(delete("g", "t").await, Ok(vec![Err(E::GroupSubscribedToTopic)]));
    assert_eq!(delete("g", "u").await, Ok(vec![Ok(())]));
    assert_eq!(desk.committed("g", "u", 0).await, None);
    assert_eq!(
        delete("g", "missing").await,
        Ok(vec![Err(E::UnknownTopicOrPartition)])
    );
    assert_eq!(soon(desk.groups.delete_group("g")).await, Err(E::NonEmptyGroup));
    desk.commit_all("g", &member(&id, 1), &[("t", 0, 1)])
        .await
        .unwrap();
    let leave = classic::LeaveIdentity {
        member_id: id,
        instance_id: None,
    };
    soon(desk.groups.leave("g", &[leave])).await.unwrap();
    assert_eq!(delete("g", "t").await, Ok(vec![Ok(())]));
    assert_eq!(soon(desk.groups.delete_group("g")).await, Ok(()));
    assert_eq!(soon(desk.groups.delete_group("g")).await, Err(E::GroupIdNotFound));
    // Of a program that is not a consumer nobody knows what it reads.
    let connect = JoinRequest {
        protocol_type: "connect".to_owned(),
        ..joining("")
    };
    desk.join("c", connect).await;
    assert_eq!(delete("c", "t").await, Err(E::NonEmptyGroup));
    let desk = desk.restart().await;
    assert!(desk.overview().iter().all(|(id, _, _)| id != "g"));
}
