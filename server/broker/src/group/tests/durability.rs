//! What an answer promises, and what happens when the log does not play along.

use super::*;

#[tokio::test]
async fn an_answer_waits_until_what_it_shows_is_stored() {
    let desk = Desk::start().await;
    desk.log.holding.send_replace(true);
    let groups = Arc::clone(&desk.groups);
    let commits = vec![Commit {
        topic: "t".to_owned(),
        partition: 0,
        offset: 5,
        leader_epoch: -1,
        metadata: String::new(),
    }];
    let commit = tokio::spawn(async move { groups.commit_offsets("g", &nobody(), commits).await });
    until(|| !desk.log.batches.lock().unwrap().is_empty()).await;
    let groups = Arc::clone(&desk.groups);
    let fetch = tokio::spawn(async move { groups.fetch_offsets("g", None, None).await });
    // Both had every chance to answer too early.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!commit.is_finished() && !fetch.is_finished());
    desk.log.holding.send_replace(false);
    assert_eq!(soon(commit).await.unwrap(), Ok(vec![Ok(())]));
    assert_eq!(soon(fetch).await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn what_could_not_be_stored_is_not_shown_afterwards() {
    let desk = Desk::start().await;
    let member_id = desk.classic("g").await;
    assert_eq!(desk.commit("h", "t", 0, 5).await, Ok(()));
    desk.log.refusing.send_replace(true);
    assert_eq!(
        desk.commit("h", "t", 0, 6).await,
        Err(E::CoordinatorNotAvailable),
        "find it again"
    );
    // Until the clock moves they are not read again. A member is not sent away meanwhile, nor told what may be wrong.
    assert_eq!(desk.groups.heartbeat("g", (&member_id, None), 1), Ok(()));
    let loading = soon(desk.groups.fetch_offsets("h", None, None)).await;
    assert_eq!(loading.err(), Some(E::CoordinatorLoadInProgress));
    desk.log.refusing.send_replace(false);
    desk.pass(1_000);
    desk.ready().await;
    assert_eq!(desk.committed("h", "t", 0).await, Some(5));
    assert_eq!(
        desk.groups.heartbeat("g", (&member_id, None), 1),
        Ok(()),
        "members stay"
    );
    assert_eq!(desk.commit("h", "t", 0, 6).await, Ok(()));
}

#[tokio::test]
async fn much_at_once_is_written_in_batches_that_topics_take() {
    let desk = Desk::start().await;
    desk.topic(|cluster| cluster.set("wide", 400));
    let note = "n".repeat(4_096);
    let commits = (0..400).map(|partition| Commit {
        topic: "wide".to_owned(),
        partition,
        offset: 1,
        leader_epoch: -1,
        metadata: note.clone(),
    });
    let results = soon(desk.groups.commit_offsets("g", &nobody(), commits.collect())).await;
    assert!(results.unwrap().into_iter().all(|result| result.is_ok()));
    let bytes = |batch: &Vec<RawRecord>| batch.iter().map(journal::size).sum::<usize>();
    let sizes: Vec<usize> = desk.log.batches.lock().unwrap().iter().map(bytes).collect();
    assert!(
        sizes.len() > 3 && sizes.iter().all(|size| *size <= 512 << 10),
        "{sizes:?}"
    );
    let desk = desk.restart().await;
    assert_eq!(desk.committed("g", "wide", 399).await, Some(1));
}

#[tokio::test]
async fn members_of_both_kinds_outlive_the_coordinator() {
    let desk = Desk::start().await;
    let classic = desk.classic("g").await;
    let epoch = desk.beat("h", beating("m", 0)).await.unwrap().epoch;
    let before = desk.overview();
    let desk = desk.restart().await;
    assert_eq!(desk.overview(), before);
    assert_eq!(desk.groups.heartbeat("g", (&classic, None), 1), Ok(()));
    let reply = desk.beat("h", beating("m", epoch)).await.unwrap();
    assert_eq!(reply.epoch, epoch);
    // And are found out when they are gone.
    desk.pass(60_000);
    until(|| desk.overview().iter().all(|(_, _, state)| *state == "Empty")).await;
}

#[tokio::test]
async fn who_waits_when_the_coordinator_stops_is_told() {
    let desk = Desk::start().await;
    let first = desk.classic("g").await;
    let groups = Arc::clone(&desk.groups);
    let waiting = tokio::spawn(async move { groups.join("g", joining("")).await });
    until(|| desk.groups.heartbeat("g", (&first, None), 1) == Err(E::RebalanceInProgress)).await;
    desk.stop.cancel();
    assert_eq!(soon(waiting).await.unwrap().error, Some(E::NotCoordinator));
}

#[tokio::test]
async fn nothing_stays_of_requests_that_came_to_nothing() {
    let desk = Desk::start().await;
    for n in 0..100 {
        let group = format!("g{n}");
        assert_eq!(desk.sync(&group, "m", 1).await.error, Some(E::UnknownMemberId));
        assert_eq!(
            desk.join(&group, joining("made-up")).await.error,
            Some(E::UnknownMemberId)
        );
        let untyped = JoinRequest {
            protocol_type: String::new(),
            ..joining("")
        };
        assert_eq!(
            desk.join(&group, untyped).await.error,
            Some(E::InconsistentGroupProtocol)
        );
        assert_eq!(
            desk.commit(&group, "missing", 0, 1).await,
            Err(E::UnknownTopicOrPartition)
        );
        assert_eq!(desk.commit_all(&group, &nobody(), &[]).await, Ok(vec![]));
        assert_eq!(
            desk.commit_all(&group, &member("m", 1), &[("t", 0, 1)]).await,
            Err(E::IllegalGeneration)
        );
        let regex = HeartbeatRequest {
            regex: Some("(".to_owned()),
            ..beating("m", 0)
        };
        assert!(desk.beat(&group, regex).await.is_err());
        assert!(desk.beat(&group, beating("m", 3)).await.is_err());
    }
    assert_eq!(desk.overview(), []);
    let shard = desk.groups.shard("g").unwrap();
    assert_eq!(shard.with(|active| active.parked()), Ok(0));
    assert!(desk.log.batches.lock().unwrap().is_empty());
}

#[tokio::test]
async fn ids_and_timeouts_have_bounds() {
    let desk = Desk::start_with(|config| config.max_groups_per_partition = 2).await;
    let long = "x".repeat(1_025);
    assert_eq!(desk.join(&long, joining("")).await.error, Some(E::InvalidGroupId));
    assert_eq!(desk.join("", joining("")).await.error, Some(E::InvalidGroupId));
    assert_eq!(desk.commit(&long, "t", 0, 1).await, Err(E::InvalidGroupId));
    for session_timeout_ms in [i32::MIN, 0, 5_999, 1_800_001, i32::MAX] {
        let join = JoinRequest {
            session_timeout_ms,
            ..joining("")
        };
        assert_eq!(desk.join("g", join).await.error, Some(E::InvalidSessionTimeout));
    }
    let wordy = JoinRequest {
        client_id: "é".repeat(16_000),
        ..joining("")
    };
    let reply = desk.join("g", wordy).await;
    assert!(reply.error.is_none() && reply.member_id.len() < 400);
    desk.sync("g", &reply.member_id, 1).await;
    desk.beat("h", beating("m", 0)).await.unwrap();
    // Two groups are there now.
    assert_eq!(
        desk.join("i", joining("")).await.error,
        Some(E::CoordinatorNotAvailable)
    );
    assert_eq!(desk.commit("i", "t", 0, 1).await, Err(E::CoordinatorNotAvailable));
    assert!(desk.beat("i", beating("m", 0)).await.is_err());
    let desk = desk.restart().await;
    assert_eq!(desk.overview().len(), 2, "and what was stored can be read");
}
