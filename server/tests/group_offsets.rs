//! Committed offsets over the wire: fetching many groups at once, deleting, and what is refused.

mod support;

use support::groups::{NOBODY, NextGen, asks_for, commit_request, group, offsets_of};
use support::{Client, Node, text, topic};
use tidemill_wire::kafka::error::ResponseError as E;
use tidemill_wire::kafka::messages::delete_topics_request::DeleteTopicState;
use tidemill_wire::kafka::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use tidemill_wire::kafka::messages::offset_fetch_request::OffsetFetchRequestTopic;
use tidemill_wire::kafka::messages::{
    DeleteGroupsRequest, DeleteTopicsRequest, OffsetDeleteRequest, OffsetFetchRequest,
};

async fn delete_offsets(client: &mut Client, id: &str, names: &[&str]) -> (i16, Vec<i16>) {
    let one = |name: &&str| {
        OffsetDeleteRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![
                OffsetDeleteRequestPartition::default().with_partition_index(0),
            ])
    };
    let request = OffsetDeleteRequest::default()
        .with_group_id(group(id))
        .with_topics(names.iter().map(one).collect());
    let response = client.call(0, request).await;
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    (response.error_code, partitions.map(|p| p.error_code).collect())
}

async fn delete_groups(client: &mut Client, ids: &[&str]) -> Vec<i16> {
    let request = DeleteGroupsRequest::default().with_groups_names(ids.iter().map(|id| group(id)).collect());
    let results = client.call(2, request).await.results;
    results.iter().map(|result| result.error_code).collect()
}

#[tokio::test]
async fn many_groups_are_asked_for_at_once() {
    let node = Node::start().await;
    let mut client = node.member(&["a", "b", "c"]).await;
    client.create_topic("t", 2, &[]).await;
    client.create_topic("u", 1, &[]).await;
    client.commit("a", NOBODY, &[("t", 0, 1), ("u", 0, 2)]).await;
    let member = NextGen::join(&node, "c", "t").await;
    client
        .commit("c", (&member.id, member.epoch), &[("t", 1, 3)])
        .await;
    let as_member = |epoch| {
        asks_for("c", None)
            .with_member_id(Some(text(&member.id)))
            .with_member_epoch(epoch)
    };
    let asked = vec![
        asks_for("a", Some(&["t"])),
        asks_for("b", Some(&["t", "missing"])),
        asks_for("a", None),
        as_member(member.epoch),
        as_member(member.epoch + 1),
        asks_for("", None),
    ];
    let groups = client.offsets(asked).await;
    let t = |partition, offset| ("t".to_owned(), partition, offset);
    assert_eq!(offsets_of(&groups[0]), [t(0, 1)]);
    assert_eq!(
        offsets_of(&groups[1]),
        [("missing".to_owned(), 0, -1), t(0, -1)],
        "nothing committed is no error"
    );
    assert_eq!(offsets_of(&groups[2]), [t(0, 1), ("u".to_owned(), 0, 2)]);
    assert_eq!(
        groups[2].topics[0].partitions[0].metadata.as_deref(),
        Some("noted")
    );
    assert_eq!(offsets_of(&groups[3]), [t(1, 3)]);
    let errors: Vec<i16> = groups.iter().map(|group| group.error_code).collect();
    let (stale, nameless) = (E::StaleMemberEpoch.code(), E::InvalidGroupId.code());
    assert_eq!(errors, [0, 0, 0, 0, stale, nameless]);
    // Older clients ask for one.
    let wanted = OffsetFetchRequestTopic::default()
        .with_name(topic("t"))
        .with_partition_indexes(vec![0, 1]);
    let request = OffsetFetchRequest::default()
        .with_group_id(group("a"))
        .with_topics(Some(vec![wanted]));
    let response = client.call(5, request).await;
    let found: Vec<i64> = response.topics[0]
        .partitions
        .iter()
        .map(|p| p.committed_offset)
        .collect();
    assert_eq!(found, [1, -1]);
}

#[tokio::test]
async fn commits_that_cannot_be_are_refused_one_by_one() {
    let node = Node::start().await;
    let mut client = node.member(&["g", "h", "i"]).await;
    client.create_topic("t", 1, &[]).await;
    let unknown = E::UnknownTopicOrPartition.code();
    let offsets = [("t", 0, 1), ("t", 1, 1), ("missing", 0, 1)];
    assert_eq!(client.commit("g", NOBODY, &offsets).await, [0, unknown, unknown]);
    let mut request = commit_request("g", NOBODY, &[("t", 0, 99)]);
    request.topics[0].partitions[0].committed_metadata = Some(text(&"n".repeat(4_097)));
    let response = client.call(9, request).await;
    assert_eq!(
        response.topics[0].partitions[0].error_code,
        E::OffsetMetadataTooLarge.code()
    );
    assert_eq!(client.all_offsets("g").await, [("t".to_owned(), 0, 1)]);
    let member = client.classic("g", "t").await;
    for (who, error) in [
        (NOBODY, E::UnknownMemberId),
        (("stranger", 1), E::UnknownMemberId),
        ((&*member, 0), E::IllegalGeneration),
    ] {
        assert_eq!(client.commit("g", who, &[("t", 0, 99)]).await, [error.code()]);
    }
    let next = NextGen::join(&node, "h", "t").await;
    for (who, error) in [
        (NOBODY, E::UnknownMemberId),
        ((&*next.id, next.epoch + 1), E::StaleMemberEpoch),
    ] {
        assert_eq!(client.commit("h", who, &[("t", 0, 99)]).await, [error.code()]);
    }
    let illegal = E::IllegalGeneration.code();
    assert_eq!(client.commit("i", ("m", 3), &[("t", 0, 99)]).await, [illegal]);
    assert_eq!(client.all_offsets("i").await, []);
}

#[tokio::test]
async fn groups_and_offsets_in_use_are_not_deleted() {
    let node = Node::start().await;
    let mut client = node.member(&["g", "h", "s"]).await;
    client.create_topic("t", 1, &[]).await;
    client.create_topic("u", 1, &[]).await;
    client.commit("g", NOBODY, &[("u", 0, 1)]).await;
    let member = client.classic("g", "t").await;
    client.commit("g", (&member, 1), &[("t", 0, 1)]).await;
    let next = NextGen::join(&node, "h", "t").await;
    client.commit("s", NOBODY, &[("t", 0, 1)]).await;
    let (busy, missing) = (E::NonEmptyGroup.code(), E::GroupIdNotFound.code());
    assert_eq!(
        delete_groups(&mut client, &["g", "h", "s", "none"]).await,
        [busy, busy, 0, missing]
    );
    let subscribed = E::GroupSubscribedToTopic.code();
    let unknown = E::UnknownTopicOrPartition.code();
    let results = delete_offsets(&mut client, "g", &["t", "u", "missing"]).await;
    assert_eq!(results, (0, vec![subscribed, 0, unknown]));
    assert_eq!(
        delete_offsets(&mut client, "h", &["t"]).await,
        (0, vec![subscribed])
    );
    assert_eq!(
        delete_offsets(&mut client, "none", &["t"]).await,
        (missing, vec![])
    );
    assert_eq!(client.all_offsets("g").await, [("t".to_owned(), 0, 1)]);
    client.leave("g", &member).await;
    next.leave("h").await;
    assert_eq!(delete_groups(&mut client, &["g", "h"]).await, [0, 0]);
    let node = node.kill().await;
    let mut client = node.member(&["g", "h", "s"]).await;
    for id in ["g", "s"] {
        assert_eq!(client.all_offsets(id).await, []);
    }
    assert_eq!(delete_groups(&mut client, &["g", "h", "s"]).await, [missing; 3]);
}

#[tokio::test]
async fn a_topic_of_the_same_name_begins_at_its_beginning() {
    let node = Node::start().await;
    let mut client = node.member(&["g"]).await;
    for round in 0..5 {
        client.create_topic("t", 1, &[]).await;
        assert_eq!(client.all_offsets("g").await, [], "round {round}");
        assert_eq!(client.commit("g", NOBODY, &[("t", 0, 100)]).await, [0]);
        let gone = DeleteTopicState::default().with_name(Some(topic("t")));
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![gone])
            .with_timeout_ms(30_000);
        assert_eq!(client.call(6, request).await.responses[0].error_code, 0);
    }
}
