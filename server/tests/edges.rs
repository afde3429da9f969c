//! Requests at the edges of what makes sense, answered as Kafka answers them. The differential suite of
//! `tests/compat` found each of these.

mod support;

use support::groups::{join_request, subscription, sync_request};
use support::{Client, Node, records, text, topic};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::create_partitions_request::CreatePartitionsTopic;
use tidemill_wire::kafka::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use tidemill_wire::kafka::messages::delete_topics_request::DeleteTopicState;
use tidemill_wire::kafka::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use tidemill_wire::kafka::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidemill_wire::kafka::messages::metadata_request::MetadataRequestTopic;
use tidemill_wire::kafka::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use tidemill_wire::kafka::messages::{
    ApiVersionsRequest, BrokerId, ConsumerGroupHeartbeatRequest, CreatePartitionsRequest,
    CreateTopicsRequest, DeleteTopicsRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest,
    ListOffsetsRequest, MetadataRequest, OffsetForLeaderEpochRequest, ProducerId,
};

const INVALID: ResponseError = ResponseError::InvalidRequest;

fn wish(name: &str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

async fn create(client: &mut Client, topics: Vec<CreatableTopic>) -> Vec<(String, i16)> {
    let request = CreateTopicsRequest::default()
        .with_topics(topics)
        .with_timeout_ms(30_000);
    let response = client.call(7, request).await;
    let told = response.topics.iter();
    told.map(|topic| (topic.name.to_string(), topic.error_code))
        .collect()
}

async fn exists(client: &mut Client, name: &str) -> bool {
    let asked = MetadataRequestTopic::default().with_name(Some(topic(name)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked]));
    client.call(9, request).await.topics[0].error_code == 0
}

#[tokio::test]
async fn a_topic_named_twice_in_a_request_is_neither_made_grown_nor_deleted() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let made = create(&mut client, vec![wish("twice"), wish("once"), wish("twice")]).await;
    assert_eq!(
        made,
        [("twice".to_owned(), INVALID.code()), ("once".to_owned(), 0)]
    );
    assert!(!exists(&mut client, "twice").await);

    let grown = |count| {
        CreatePartitionsTopic::default()
            .with_name(topic("once"))
            .with_count(count)
            .with_assignments(None)
    };
    let request = CreatePartitionsRequest::default().with_topics(vec![grown(2), grown(3)]);
    let response = client.call(3, request).await;
    assert_eq!(response.results.len(), 1);
    assert_eq!(response.results[0].error_code, INVALID.code());

    let gone = DeleteTopicState::default().with_name(Some(topic("once")));
    let request = DeleteTopicsRequest::default().with_topics(vec![gone.clone(), gone]);
    let response = client.call(6, request).await;
    assert_eq!(response.responses.len(), 1);
    assert_eq!(response.responses[0].error_code, INVALID.code());
    assert!(exists(&mut client, "once").await);
}

#[tokio::test]
async fn a_topic_to_delete_is_given_by_one_thing() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let id = client.create_topic("t", 1, &[]).await;
    let both = DeleteTopicState::default()
        .with_name(Some(topic("t")))
        .with_topic_id(id);
    let none = DeleteTopicState::default().with_name(None);
    let request = DeleteTopicsRequest::default().with_topics(vec![both, none]);
    let response = client.call(6, request).await;
    assert!(
        response
            .responses
            .iter()
            .all(|one| one.error_code == INVALID.code())
    );
    assert!(exists(&mut client, "t").await);
}

#[tokio::test]
async fn replicas_placed_by_hand_are_placed_whole() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let place = |index: i32, ids: &[i32]| {
        CreatableReplicaAssignment::default()
            .with_partition_index(index)
            .with_broker_ids(ids.iter().copied().map(BrokerId).collect())
    };
    let by_hand = |name, places| {
        wish(name)
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(places)
    };
    let placed = ResponseError::InvalidReplicaAssignment.code();
    let no_value = CreatableTopicConfig::default()
        .with_name(text("retention.ms"))
        .with_value(None);
    let cases = [
        (
            wish("counted").with_assignments(vec![place(0, &[1])]),
            INVALID.code(),
        ),
        (by_hand("hole", vec![place(0, &[1]), place(2, &[1])]), placed),
        (by_hand("again", vec![place(0, &[1]), place(0, &[1])]), placed),
        (by_hand("nowhere", vec![place(0, &[])]), placed),
        (by_hand("fine", vec![place(1, &[1]), place(0, &[1])]), 0),
        (
            wish("no-value").with_configs(vec![no_value]),
            ResponseError::InvalidConfig.code(),
        ),
    ];
    for (wished, code) in cases {
        let name = wished.name.to_string();
        assert_eq!(create(&mut client, vec![wished]).await, [(name, code)]);
    }
}

#[tokio::test]
async fn a_resource_named_twice_keeps_its_settings() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("t", 1, &[]).await;
    let set = |name: &str, value: Option<&str>| {
        let config = AlterableConfig::default()
            .with_name(text(name))
            .with_value(value.map(text));
        AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("t"))
            .with_configs(vec![config])
    };
    for resources in [
        vec![
            set("segment.ms", Some("50000")),
            set("retention.ms", Some("60000")),
        ],
        vec![set("segment.ms", None)],
    ] {
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources.clone());
        let response = client.call(1, request).await;
        assert_eq!(response.responses.len(), resources.len());
        assert!(
            response
                .responses
                .iter()
                .all(|one| one.error_code == INVALID.code())
        );
    }
}

async fn list(client: &mut Client, version: i16, wanted: &[(i64, i32)]) -> Vec<(i16, i64)> {
    let partition = |(timestamp, epoch): &(i64, i32)| {
        ListOffsetsPartition::default()
            .with_timestamp(*timestamp)
            .with_current_leader_epoch(*epoch)
    };
    let asked = ListOffsetsTopic::default()
        .with_name(topic("t"))
        .with_partitions(wanted.iter().map(partition).collect());
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![asked]);
    let response = client.call(version, request).await;
    let told = response.topics[0].partitions.iter();
    told.map(|one| (one.error_code, one.offset)).collect()
}

#[tokio::test]
async fn special_times_are_known_from_their_version_on_and_the_epoch_is_checked() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("t", 1, &[]).await;
    client.produce("t", 0, records(&[b"x"]), -1).await;
    let unsupported = ResponseError::UnsupportedVersion.code();
    for (version, timestamp, expected) in [
        (6, -3, (unsupported, -1)),
        (7, -3, (0, 0)),
        (7, -4, (unsupported, -1)),
        (8, -4, (0, 0)),
        (8, -5, (unsupported, -1)),
        (9, -5, (0, -1)),
        (9, -9, (unsupported, -1)),
    ] {
        let found = list(&mut client, version, &[(timestamp, -1)]).await;
        assert_eq!(found, [expected], "version {version}, time {timestamp}");
    }
    let newer = list(&mut client, 9, &[(-1, 99)]).await;
    assert_eq!(newer, [(ResponseError::UnknownLeaderEpoch.code(), -1)]);
    let twice = list(&mut client, 9, &[(-1, -1), (-2, -1), (-1, -1)]).await;
    assert_eq!(twice, [(INVALID.code(), -1)]);
}

#[tokio::test]
async fn the_epoch_that_goes_on_ends_where_an_empty_log_does() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("t", 1, &[]).await;
    for (epoch, expected) in [(0, (0, 0)), (-1, (-1, -1)), (7, (-1, -1))] {
        let partition = OffsetForLeaderPartition::default()
            .with_current_leader_epoch(-1)
            .with_leader_epoch(epoch);
        let asked = OffsetForLeaderTopic::default()
            .with_topic(topic("t"))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![asked]);
        let response = client.call(4, request).await;
        let found = &response.topics[0].partitions[0];
        assert_eq!((found.leader_epoch, found.end_offset), expected, "epoch {epoch}");
    }
}

#[tokio::test]
async fn half_of_a_producer_is_refused() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let ask = |id: Option<&str>, producer, epoch| {
        InitProducerIdRequest::default()
            .with_transactional_id(id.map(|id| text(id).into()))
            .with_producer_id(ProducerId(producer))
            .with_producer_epoch(epoch)
    };
    for request in [ask(None, -1, 3), ask(None, 3, -1), ask(Some(""), -1, -1)] {
        assert_eq!(client.call(4, request).await.error_code, INVALID.code());
    }
    assert_eq!(client.call(4, ask(None, -1, -1)).await.error_code, 0);
}

#[tokio::test]
async fn members_name_themselves_and_their_protocol() {
    let node = Node::start().await;
    let mut client = node.member(&["g", "n"]).await;
    client.create_topic("t", 1, &[]).await;
    let first = client.call(9, join_request("g", "", subscription("t"))).await;
    let joined = client
        .call(9, join_request("g", &first.member_id, subscription("t")))
        .await;
    let silent = sync_request("g", &joined.member_id, joined.generation_id, &[]).with_protocol_name(None);
    assert_eq!(
        client.call(5, silent).await.error_code,
        ResponseError::InconsistentGroupProtocol.code()
    );
    for (id, member) in [("", "me"), ("n", "")] {
        let request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(support::groups::group(id))
            .with_member_id(text(member))
            .with_rebalance_timeout_ms(10_000)
            .with_subscribed_topic_names(Some(vec![topic("t")]))
            .with_topic_partitions(Some(Vec::new()));
        assert_eq!(client.call(1, request).await.error_code, INVALID.code());
    }
}

#[tokio::test]
async fn clients_are_asked_for_a_proper_name() {
    let node = Node::start().await;
    let mut client = node.client().await;
    for (name, code) in [
        ("a-b.c9", 0),
        ("x", 0),
        ("a b", INVALID.code()),
        ("-a", INVALID.code()),
        ("", INVALID.code()),
    ] {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(text(name))
            .with_client_software_version(text("1"));
        assert_eq!(client.call(3, request).await.error_code, code, "{name:?}");
    }
}
