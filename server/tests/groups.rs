//! Consumer groups over the wire: membership, and what outlives a kill.

mod support;

use std::collections::BTreeSet;

use bytes::Bytes;
use support::groups::{NOBODY, NextGen, group, join_request, subscription, sync_request};
use support::{Node, text};
use tidemill_wire::kafka::error::ResponseError as E;
use tidemill_wire::kafka::messages::{
    ConsumerGroupDescribeRequest, DescribeGroupsRequest, JoinGroupRequest, ListGroupsRequest,
    SyncGroupRequest,
};
use tidemill_wire::kafka::protocol::StrBytes;

/// Heartbeats until everyone is at the same epoch with its share of `partitions`.
async fn settle(members: &mut [NextGen], id: &str, partitions: usize) {
    for _ in 0..10 {
        for member in members.iter_mut() {
            assert_eq!(member.beat(id).await, 0);
        }
    }
    let mut all = BTreeSet::new();
    for member in members.iter() {
        assert_eq!(member.epoch, members[0].epoch);
        assert_eq!(member.count(), partitions / members.len());
        for (topic, indexes) in &member.owned {
            for index in indexes {
                assert!(all.insert((*topic, *index)), "two own {topic} {index}");
            }
        }
    }
    assert_eq!(all.len(), partitions);
}

#[tokio::test]
async fn three_next_generation_members_share_and_hand_over() {
    let node = Node::start().await;
    let mut admin = node.client().await;
    admin.create_topic("t", 6, &[]).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(NextGen::join(&node, "g", "t").await);
    }
    settle(&mut members, "g", 6).await;
    members.pop().unwrap().leave("g").await;
    settle(&mut members, "g", 6).await;
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group("g"), group("none")]);
    let response = admin.call(1, request).await;
    let told = &response.groups[0];
    assert_eq!((told.error_code, &*told.group_state), (0, "Stable"));
    assert_eq!(
        (told.group_epoch, told.assignment_epoch),
        (members[0].epoch, members[0].epoch)
    );
    assert_eq!(&*told.assignor_name, "uniform");
    assert_eq!(told.members.len(), 2);
    for member in &told.members {
        assert_eq!((member.member_epoch, member.member_type), (members[0].epoch, 1));
        assert_eq!(&*member.subscribed_topic_names[0].0, "t");
        assert_eq!(&*member.assignment.topic_partitions[0].topic_name.0, "t");
        assert_eq!(member.assignment.topic_partitions[0].partitions.len(), 3);
        assert_eq!(member.assignment, member.target_assignment);
    }
    assert_eq!(response.groups[1].error_code, E::GroupIdNotFound.code());
}

#[tokio::test]
async fn three_classic_members_share_and_hand_over() {
    let node = Node::start_with(|config| config.group_initial_rebalance_delay_ms = 200).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(node.member(&["g"]).await);
    }
    // All three join before the first answer: each parks on a connection of its own.
    let joins = clients.into_iter().map(|mut client| async move {
        let joined = client.join("g", "t").await;
        (client, joined)
    });
    let joins: Vec<_> = joins.map(tokio::spawn).collect();
    let mut members = Vec::new();
    for join in joins {
        members.push(join.await.unwrap());
    }
    let (leader, followers): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|(_, joined)| joined.member_id == joined.leader);
    let [(mut leader, told)] = <[_; 1]>::try_from(leader).ok().unwrap();
    assert_eq!((told.generation_id, told.members.len()), (1, 3));
    assert_eq!(told.protocol_name.as_deref(), Some("range"));
    assert!(
        told.members
            .iter()
            .all(|member| member.metadata == subscription("t"))
    );
    let ids: Vec<&str> = told.members.iter().map(|member| &*member.member_id).collect();
    let parts: Vec<(&str, &str)> = ids.iter().map(|id| (*id, *id)).collect();
    let mut waiting = Vec::new();
    for (mut client, joined) in followers {
        let request = sync_request("g", &joined.member_id, 1, &[]);
        let id = joined.member_id.to_string();
        client.send(5, &request).await;
        waiting.push((client, id));
    }
    let synced = leader.sync("g", &told.member_id, 1, &parts).await;
    assert_eq!(&synced.assignment[..], told.member_id.as_bytes());
    for (client, id) in &mut waiting {
        let (_, synced) = client.receive::<SyncGroupRequest>(5).await;
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, id.as_bytes()));
    }
    // The leader leaves: the others hear of it, and one of them leads.
    assert_eq!(leader.leave("g", &told.member_id).await, 0);
    assert_eq!(
        leader.heartbeat("g", &told.member_id, 1).await,
        E::UnknownMemberId.code()
    );
    for (client, id) in &mut waiting {
        assert_eq!(client.heartbeat("g", id, 1).await, E::RebalanceInProgress.code());
    }
    for (client, id) in &mut waiting {
        client.send(9, &join_request("g", id, subscription("t"))).await;
    }
    let mut leaders = 0;
    for (client, id) in &mut waiting {
        let (_, joined) = client.receive::<JoinGroupRequest>(9).await;
        assert_eq!((joined.error_code, joined.generation_id), (0, 2));
        leaders += usize::from(*joined.leader == **id);
    }
    assert_eq!(leaders, 1);
}

#[tokio::test]
async fn what_was_answered_outlives_a_kill() {
    let node = Node::start().await;
    let mut client = node.member(&["simple", "classic", "next"]).await;
    client.create_topic("t", 3, &[]).await;
    assert_eq!(client.commit("simple", NOBODY, &[("t", 0, 41)]).await, [0]);
    assert_eq!(
        client
            .commit("simple", NOBODY, &[("t", 0, 42), ("t", 1, 7)])
            .await,
        [0, 0]
    );
    let member = client.classic("classic", "t").await;
    assert_eq!(client.commit("classic", (&member, 1), &[("t", 0, 5)]).await, [0]);
    let mut next = NextGen::join(&node, "next", "t").await;
    assert_eq!(
        client
            .commit("next", (&next.id, next.epoch), &[("t", 2, 6)])
            .await,
        [0]
    );
    let node = node.kill().await;
    let mut client = node.member(&["simple", "classic", "next"]).await;
    let all = [("t".to_owned(), 0, 42), ("t".to_owned(), 1, 7)];
    assert_eq!(client.all_offsets("simple").await, all);
    assert_eq!(client.all_offsets("classic").await, [("t".to_owned(), 0, 5)]);
    assert_eq!(client.all_offsets("next").await, [("t".to_owned(), 2, 6)]);
    // Members go on where they were, without a rebalance.
    assert_eq!(client.heartbeat("classic", &member, 1).await, 0);
    let synced = client.sync("classic", &member, 1, &[]).await;
    assert_eq!(&synced.assignment[..], b"all");
    next.client = node.client().await;
    let (epoch, owned) = (next.epoch, next.owned.clone());
    assert_eq!(next.beat("next").await, 0);
    assert_eq!((next.epoch, next.owned), (epoch, owned));
}

#[tokio::test]
async fn lists_are_filtered_by_state_and_type() {
    let node = Node::start().await;
    let mut client = node.member(&["simple", "classic", "next"]).await;
    client.create_topic("t", 1, &[]).await;
    client.commit("simple", NOBODY, &[("t", 0, 1)]).await;
    let member = client.classic("classic", "t").await;
    let _next = NextGen::join(&node, "next", "t").await;
    let filter = |names: &[&str]| names.iter().map(|name| text(name)).collect::<Vec<StrBytes>>();
    for (states, types, expected) in [
        (&[][..], &[][..], &["classic", "next", "simple"][..]),
        (&["Stable"], &[], &["classic", "next"]),
        (&["stable", "Dead"], &["Classic"], &["classic"]),
        (&["Empty"], &[], &["simple"]),
        (&[], &["consumer"], &["next"]),
        (&["Dead"], &[], &[]),
        (&[], &["share"], &[]),
    ] {
        let request = ListGroupsRequest::default()
            .with_states_filter(filter(states))
            .with_types_filter(filter(types));
        let listed = client.call(5, request).await.groups;
        let ids: Vec<&str> = listed.iter().map(|listed| &*listed.group_id.0).collect();
        assert_eq!(ids, expected, "{states:?} {types:?}");
    }
    let request =
        DescribeGroupsRequest::default().with_groups(vec![group("classic"), group("next"), group("none")]);
    let told = client.call(6, request).await.groups;
    assert_eq!(
        (&*told[0].group_state, &*told[0].protocol_data),
        ("Stable", "range")
    );
    assert_eq!(*told[0].members[0].member_id, *member);
    assert_eq!(&told[0].members[0].member_assignment[..], b"all");
    for other in &told[1..] {
        assert_eq!(other.error_code, E::GroupIdNotFound.code());
    }
}

#[tokio::test]
async fn nonsense_in_one_group_disturbs_no_other() {
    let node = Node::start().await;
    let mut client = node.member(&["good", "bad"]).await;
    client.create_topic("t", 1, &[]).await;
    let member = client.classic("good", "t").await;
    // A subscription that claims two billion topics, in a static member that restarts.
    for metadata in [&b"\0\0\x7f\xff\xff\xff"[..], b"\0\0\x7f\xff\xff\xfe", b"\xff"] {
        let mut request = join_request("bad", "", Bytes::copy_from_slice(metadata));
        request.group_instance_id = Some(text("i"));
        let joined = client.call(9, request).await;
        assert_eq!(joined.error_code, 0);
        client
            .sync("bad", &joined.member_id, joined.generation_id, &[])
            .await;
    }
    let long = "x".repeat(20_000);
    let joined = client
        .call(9, join_request("bad", &long, subscription("t")))
        .await;
    assert_eq!(joined.error_code, E::InvalidRequest.code());
    let joined = client.call(9, join_request(&long, "", subscription("t"))).await;
    assert_eq!(joined.error_code, E::InvalidGroupId.code());
    let much = Bytes::from(vec![0; 2 << 20]);
    let joined = client.call(9, join_request("bad", "", much)).await;
    assert_eq!(joined.error_code, E::InvalidRequest.code());
    let regex = NextGen::request("worse", "m", 0)
        .with_rebalance_timeout_ms(1)
        .with_subscribed_topic_regex(Some(text("a)|(b")))
        .with_topic_partitions(Some(Vec::new()));
    let refused = client.call(1, regex).await;
    assert_eq!(refused.error_code, E::InvalidRegularExpression.code());
    assert_eq!(client.heartbeat("good", &member, 1).await, 0);
    let node = node.kill().await;
    let mut client = node.member(&["good"]).await;
    assert_eq!(client.heartbeat("good", &member, 1).await, 0);
}

#[tokio::test]
async fn a_large_group_is_stored_and_read_again() {
    let node = Node::start().await;
    let mut client = node.member(&["g"]).await;
    client.create_topic("wide", 400, &[]).await;
    let member = client.classic("g", "wide").await;
    // More than topics take in one batch, unless told otherwise: in one record, and in many.
    let part = "p".repeat(3 << 20);
    let joined = client
        .call(9, join_request("g", &member, subscription("wide")))
        .await;
    let synced = client
        .sync("g", &member, joined.generation_id, &[(&member, &part)])
        .await;
    assert_eq!((synced.error_code, synced.assignment.len()), (0, 3 << 20));
    let mut request = support::groups::commit_request("g", (&member, 2), &[]);
    for partition in 0..400 {
        let mut one = support::groups::commit_request("g", NOBODY, &[("wide", partition, 9)]).topics;
        one[0].partitions[0].committed_metadata = Some(text(&"n".repeat(4_096)));
        request.topics.append(&mut one);
    }
    let response = client.call(9, request).await;
    assert!(
        response
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .all(|p| p.error_code == 0)
    );
    let node = node.kill().await;
    let mut client = node.member(&["g"]).await;
    assert_eq!(client.all_offsets("g").await.len(), 400);
    let synced = client.sync("g", &member, 2, &[]).await;
    assert_eq!(synced.assignment.len(), 3 << 20);
}
