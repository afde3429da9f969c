//! Members of both protocols in one group: how it goes over while they read, and back.

use tidemill_wire::consumer_protocol::decode_assignment;
use tidemill_wire::kafka::messages::consumer_protocol_subscription::TopicPartition;
use tidemill_wire::kafka::messages::{ConsumerProtocolSubscription, TopicName};
use tidemill_wire::kafka::protocol::{Encodable, StrBytes};

use super::*;
use crate::group::classic::LeaveIdentity;

/// What a consumer says of itself: it subscribes to `t`, and has not let go of these partitions.
pub(super) fn metadata(owned: &[i32]) -> Bytes {
    let owned = TopicPartition::default()
        .with_topic(TopicName(StrBytes::from_static_str("t")))
        .with_partitions(owned.to_vec());
    let subscription = ConsumerProtocolSubscription::default()
        .with_topics(vec![StrBytes::from_static_str("t")])
        .with_owned_partitions(vec![owned]);
    let mut out = bytes::BytesMut::from(&[0u8, 1][..]);
    subscription.encode(&mut out, 1).unwrap();
    out.freeze()
}

/// A join of a consumer that has these partitions.
pub(super) fn owning(member_id: &str, owned: &[i32]) -> JoinRequest {
    JoinRequest {
        protocols: vec![("range".to_owned(), metadata(owned))],
        ..joining(member_id)
    }
}

/// Partitions of `t` that a SyncGroup gave.
pub(super) fn given(reply: &SyncReply) -> Vec<i32> {
    let assignment = decode_assignment(reply.assignment.clone()).unwrap();
    let topics = assignment.assigned_partitions.iter();
    topics.flat_map(|topic| topic.partitions.clone()).collect()
}

/// Partitions of `t` that a heartbeat gave.
fn part(reply: &HeartbeatReply) -> Vec<i32> {
    let assignment = reply.assignment.iter().flatten();
    assignment.flat_map(|(_, indexes)| indexes.clone()).collect()
}

/// An assignment of partitions of `t`, as a leader writes it.
pub(super) fn encoded(partitions: &[i32]) -> Bytes {
    let mut out = b"\0\x01\0\0\0\x01\0\x01t\0\0\0".to_vec();
    out.push(u8::try_from(partitions.len()).unwrap());
    for partition in partitions {
        out.extend(partition.to_be_bytes());
    }
    out.extend(b"\xff\xff\xff\xff");
    out.into()
}

fn leaves(member_id: &str) -> HeartbeatRequest {
    HeartbeatRequest {
        epoch: -1,
        ..beating(member_id, -1)
    }
}

impl Desk {
    /// A stable classic group of one consumer, which has both partitions; answers its id.
    async fn reader(&self, request: JoinRequest) -> String {
        let joined = self.join("g", request).await;
        assert_eq!(joined.error, None);
        let sync = SyncRequest {
            assignments: vec![(joined.member_id.clone(), encoded(&[0, 1]))],
            ..asking(&joined.member_id, joined.generation)
        };
        let synced = soon(self.groups.sync("g", sync)).await;
        assert_eq!(given(&synced), [0, 1]);
        joined.member_id
    }

    fn hears(&self, member_id: &str, generation: i32) -> Result<(), E> {
        self.groups.heartbeat("g", (member_id, None), generation)
    }

    async fn asks(&self, member_id: &str, generation: i32) -> SyncReply {
        soon(self.groups.sync("g", asking(member_id, generation))).await
    }

    async fn leave(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), E> {
        let who = LeaveIdentity {
            member_id: member_id.to_owned(),
            instance_id: instance_id.map(str::to_owned),
        };
        soon(self.groups.leave("g", &[who])).await.unwrap()[0]
    }

    fn is(&self, group_type: &str, state: &str) {
        let all = self.groups.groups_overview().unwrap();
        assert_eq!((all[0].group_type, all[0].state), (group_type, state));
    }

    /// Time passes, and the coordinator has looked at its deadlines.
    async fn pass_until(&self, ms: u64, is_so: impl Fn(&GroupOverview) -> bool) {
        self.pass(ms);
        until(|| is_so(&self.groups.groups_overview().unwrap()[0])).await;
    }
}

fn asking(member_id: &str, generation: i32) -> SyncRequest {
    SyncRequest {
        token: Token(0),
        generation,
        member_id: member_id.to_owned(),
        instance_id: None,
        protocol_type: Some("consumer".to_owned()),
        protocol: Some("range".to_owned()),
        assignments: Vec::new(),
    }
}

#[tokio::test]
async fn a_group_goes_over_with_its_members_and_back() {
    let desk = Desk::start().await;
    let old = desk.reader(owning("", &[])).await;
    let by_old = |generation| Committer {
        knows_epochs: false,
        ..member(&old, generation)
    };
    let committed = desk.commit_all("g", &by_old(1), &[("t", 0, 7)]).await;
    assert_eq!(committed, Ok(vec![Ok(())]));

    // A member of the new protocol joins. It waits: the old one has not let go.
    let new = desk.beat("g", beating("new", 0)).await.unwrap();
    assert_eq!((new.epoch, part(&new)), (2, vec![]));
    desk.is("consumer", "Reconciling");
    // The old one may commit what it has read before it joins again.
    let committed = desk.commit_all("g", &by_old(1), &[("t", 1, 8)]).await;
    assert_eq!(committed, Ok(vec![Ok(())]));
    assert_eq!(desk.hears(&old, 1), Err(E::RebalanceInProgress));
    let joined = desk.join("g", owning(&old, &[])).await;
    assert_eq!((joined.error, joined.generation), (None, 2));
    assert_eq!(joined.protocol.as_deref(), Some("range"));
    assert_eq!(joined.leader, "", "nobody assigns but the server");
    let synced = desk.asks(&old, 2).await;
    assert_eq!((synced.error, given(&synced)), (None, vec![0]));
    assert_eq!(desk.hears(&old, 2), Ok(()));
    let stale = desk.commit_all("g", &by_old(1), &[("t", 0, 9)]).await;
    assert_eq!(stale, Err(E::IllegalGeneration));
    let new = desk.beat("g", beating("new", 2)).await.unwrap();
    assert_eq!(part(&new), [1]);
    desk.is("consumer", "Stable");

    let desk = desk.restart().await;
    desk.is("consumer", "Stable");
    assert_eq!(desk.hears(&old, 2), Ok(()));
    assert_eq!(desk.beat("g", beating("new", 2)).await.unwrap().epoch, 2);

    // The member of the new protocol goes: the group is a classic one again.
    desk.beat("g", leaves("new")).await.unwrap();
    desk.is("classic", "PreparingRebalance");
    assert_eq!(desk.hears(&old, 2), Err(E::RebalanceInProgress));
    let joined = desk.join("g", owning(&old, &[])).await;
    assert_eq!((joined.error, joined.generation), (None, 3));
    assert_eq!(joined.leader, old);
    assert_eq!(desk.committed("g", "t", 0).await, Some(7));
    assert_eq!(desk.committed("g", "t", 1).await, Some(8));
}

#[tokio::test]
async fn the_last_classic_member_leaves_a_group_of_the_new_protocol() {
    let desk = Desk::start().await;
    let old = desk.reader(owning("", &[])).await;
    desk.beat("g", beating("new", 0)).await.unwrap();
    assert_eq!(desk.leave(&old, None).await, Ok(()));
    let new = desk.beat("g", beating("new", 2)).await.unwrap();
    assert_eq!(part(&new), [0, 1]);
    desk.is("consumer", "Stable");
    let desk = desk.restart().await;
    desk.is("consumer", "Stable");
    desk.beat("g", leaves("new")).await.unwrap();
    desk.is("consumer", "Empty");
}

#[tokio::test]
async fn a_coordinator_that_dies_in_between_makes_the_members_join_again() {
    let desk = Desk::start().await;
    let old = desk.reader(owning("", &[])).await;
    desk.beat("g", beating("new", 0)).await.unwrap();
    desk.join("g", owning(&old, &[])).await;
    assert_eq!(given(&desk.asks(&old, 2).await), [0]);
    desk.beat("g", leaves("new")).await.unwrap();
    let desk = desk.restart().await;
    // What the old one has is not all there is to read.
    assert_eq!(desk.hears(&old, 2), Err(E::RebalanceInProgress));
    assert_eq!(desk.reader(owning(&old, &[])).await, old);
    desk.is("classic", "Stable");
}

#[tokio::test]
async fn who_waits_in_a_join_or_for_an_assignment_is_sent_to_join_again() {
    let desk = Desk::start_with(|config| config.initial_rebalance_delay_ms = 1_000).await;
    let waiting = tokio::spawn({
        let groups = Arc::clone(&desk.groups);
        async move { groups.join("g", owning("", &[])).await }
    });
    until(|| desk.groups.describe("g").unwrap().is_some()).await;
    desk.beat("g", beating("new", 0)).await.unwrap();
    let sent_away = soon(waiting).await.unwrap();
    assert_eq!(sent_away.error, Some(E::RebalanceInProgress));
    assert!(!sent_away.member_id.is_empty());
    let joined = desk.join("g", owning(&sent_away.member_id, &[])).await;
    assert_eq!((joined.error, joined.generation), (None, 1));

    let desk = Desk::start().await;
    let a = desk.join("g", owning("", &[])).await;
    let waiting = tokio::spawn({
        let groups = Arc::clone(&desk.groups);
        async move { groups.join("g", owning("", &[])).await }
    });
    until(|| desk.hears(&a.member_id, 1) == Err(E::RebalanceInProgress)).await;
    let a = desk.join("g", owning(&a.member_id, &[])).await;
    let b = soon(waiting).await.unwrap();
    let follower = if a.leader == a.member_id { b } else { a };
    let waiting = tokio::spawn({
        let groups = Arc::clone(&desk.groups);
        let sync = asking(&follower.member_id, follower.generation);
        async move { groups.sync("g", sync).await }
    });
    tokio::task::yield_now().await;
    desk.beat("g", beating("new", 0)).await.unwrap();
    let sent_away = soon(waiting).await.unwrap();
    assert_eq!(sent_away.error, Some(E::RebalanceInProgress));
}

#[tokio::test]
async fn a_heartbeat_that_is_refused_turns_nothing() {
    let desk = Desk::start_with(|config| config.max_members = 2).await;
    let old = desk.reader(owning("", &[])).await;
    let bad = HeartbeatRequest {
        regex: Some("(".to_owned()),
        ..beating("new", 0)
    };
    let refusal = desk.beat("g", bad).await.unwrap_err();
    assert_eq!(refusal.code, E::InvalidRegularExpression);
    let refusal = desk.beat("g", beating("new", 3)).await.unwrap_err();
    assert_eq!(
        refusal.code,
        E::GroupIdNotFound,
        "only who joins makes it go over"
    );
    desk.is("classic", "Stable");
    assert_eq!(desk.hears(&old, 1), Ok(()));
    desk.beat("g", beating("new", 0)).await.unwrap();
    let full = desk.join("g", owning("", &[])).await;
    assert_eq!(full.error, Some(E::GroupMaxSizeReached));
}

#[tokio::test]
async fn groups_that_are_not_of_consumers_stay_what_they_are() {
    let desk = Desk::start().await;
    let connect = JoinRequest {
        protocol_type: "connect".to_owned(),
        ..joining("")
    };
    desk.join("g", connect.clone()).await;
    let refusal = desk.beat("g", beating("new", 0)).await.unwrap_err();
    assert_eq!(refusal.code, E::GroupIdNotFound);
    assert!(refusal.message.contains("not consumers"), "{}", refusal.message);
    // Nor do others join a group of consumers.
    desk.beat("h", beating("new", 0)).await.unwrap();
    let refused = desk.join("h", connect).await;
    assert_eq!(refused.error, Some(E::InconsistentGroupProtocol));
    let broken = desk.join(
        "h",
        JoinRequest {
            protocols: vec![("range".to_owned(), Bytes::from_static(b"?"))],
            ..joining("")
        },
    );
    assert_eq!(broken.await.error, Some(E::InconsistentGroupProtocol));
}

#[tokio::test]
async fn an_operator_decides_which_way_groups_go() {
    for policy in [
        MigrationPolicy::Disabled,
        MigrationPolicy::Upgrade,
        MigrationPolicy::Downgrade,
    ] {
        let desk = Desk::start_with(|config| config.migration_policy = policy).await;
        let old = desk.reader(owning("", &[])).await;
        let goes_over = desk.beat("g", beating("new", 0)).await;
        assert_eq!(
            goes_over.is_ok(),
            policy == MigrationPolicy::Upgrade,
            "{policy:?}"
        );
        if goes_over.is_ok() {
            desk.beat("g", leaves("new")).await.unwrap();
            desk.is("consumer", "Assigning");
            assert_eq!(desk.hears(&old, 1), Err(E::RebalanceInProgress));
            continue;
        }
        desk.leave(&old, None).await.unwrap();
        desk.beat("g", beating("new", 0)).await.unwrap();
        let joined = desk.join("g", owning("", &[])).await;
        let refused = policy == MigrationPolicy::Disabled;
        let error = refused.then_some(E::InconsistentGroupProtocol);
        assert_eq!(joined.error, error);
        if !refused {
            desk.beat("g", leaves("new")).await.unwrap();
            desk.is("classic", "PreparingRebalance");
        }
    }
}

#[tokio::test]
async fn a_static_member_goes_over_and_back_without_a_good_bye() {
    let desk = Desk::start().await;
    let as_i = |request| JoinRequest {
        instance_id: Some("i".to_owned()),
        ..request
    };
    let old = desk.reader(as_i(owning("", &[]))).await;
    let beat = |id: &str, epoch| HeartbeatRequest {
        instance_id: Some("i".to_owned()),
        ..beating(id, epoch)
    };
    let new = desk.beat("g", beat("new", 0)).await.unwrap();
    assert_eq!((new.epoch, part(&new)), (2, vec![0, 1]));
    let fenced = desk.groups.heartbeat("g", (&old, Some("i")), 1);
    assert_eq!(fenced, Err(E::FencedInstanceId));
    desk.is("consumer", "Stable");

    // With another classic member there, it goes back: that was the last of the new protocol.
    let other = desk.join("g", owning("", &[])).await.member_id;
    let back = tokio::spawn({
        let groups = Arc::clone(&desk.groups);
        let request = as_i(owning("", &[]));
        async move { groups.join("g", request).await }
    });
    until(|| desk.groups.groups_overview().unwrap()[0].group_type == "classic").await;
    let joined = desk.join("g", owning(&other, &[])).await;
    let back = soon(back).await.unwrap();
    assert_eq!((joined.error, back.error), (None, None));
    assert_eq!(joined.generation, back.generation);
    assert_eq!(
        desk.beat("g", beat("new", 2)).await.unwrap_err().code,
        E::GroupIdNotFound
    );
}

#[tokio::test]
async fn a_static_member_alone_goes_back_as_well() {
    let desk = Desk::start().await;
    let new = HeartbeatRequest {
        instance_id: Some("i".to_owned()),
        ..beating("new", 0)
    };
    desk.beat("g", new).await.unwrap();
    let request = JoinRequest {
        instance_id: Some("i".to_owned()),
        ..owning("", &[])
    };
    desk.reader(request).await;
    desk.is("classic", "Stable");
    let desk = desk.restart().await;
    desk.is("classic", "Stable");
}

#[tokio::test]
async fn members_that_do_not_do_what_they_are_told_are_removed() {
    let desk = Desk::start_with(|config| config.consumer_session_timeout_ms = 1_000_000).await;
    let old = desk.reader(owning("", &[])).await;
    desk.beat("g", beating("new", 0)).await.unwrap();
    let members = |number: usize| move |group: &GroupOverview| group.members == number;
    // It is alive, but does not join again within its rebalance timeout of 60 s.
    for _ in 0..6 {
        assert_eq!(desk.hears(&old, 1), Err(E::RebalanceInProgress));
        desk.pass_until(9_900, members(2)).await;
    }
    assert_eq!(desk.hears(&old, 1), Err(E::RebalanceInProgress));
    desk.pass_until(600, members(1)).await;
    assert_eq!(desk.hears(&old, 1), Err(E::UnknownMemberId));
    // Nor does this one ask for what it is given.
    let joined = desk.join("g", owning("", &[])).await;
    for _ in 0..6 {
        assert_eq!(desk.hears(&joined.member_id, joined.generation), Ok(()));
        desk.pass_until(9_900, members(2)).await;
    }
    assert_eq!(desk.hears(&joined.member_id, joined.generation), Ok(()));
    desk.pass_until(600, members(1)).await;
    // And of this one nothing is heard for its session timeout, which is its own: 10 s.
    let joined = desk.join("g", owning("", &[])).await;
    let epoch = desk.beat("g", beating("new", 0)).await.unwrap().epoch;
    assert_eq!(desk.asks(&joined.member_id, epoch).await.error, None);
    desk.pass_until(9_999, members(2)).await;
    desk.pass_until(1, members(1)).await;
    desk.is("consumer", "Assigning");
}

#[tokio::test]
async fn a_silent_member_of_the_new_protocol_leaves_a_classic_group() {
    let desk = Desk::start_with(|config| config.consumer_session_timeout_ms = 5_000).await;
    let old = desk.reader(owning("", &[])).await;
    desk.beat("g", beating("new", 0)).await.unwrap();
    desk.pass_until(5_000, |group| group.group_type == "classic")
        .await;
    assert_eq!(desk.leave(&old, None).await, Ok(()));
    desk.is("classic", "Empty");
}
