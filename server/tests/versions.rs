//! Every version that is told is answered in that version.

mod support;

use std::collections::BTreeSet;

use support::{Client, Node};
use tidemill_wire::api::{SERVED, Served};
use tidemill_wire::kafka::messages::*;
use tidemill_wire::kafka::protocol::Request;

async fn ask<R: Request>(client: &mut Client, asked: &mut BTreeSet<i16>, make: impl Fn(i16) -> R) {
    let served: Option<&Served> = SERVED.iter().find(|served| served.key as i16 == R::KEY);
    let Some(served) = served else { return };
    for version in served.min..=served.max {
        let sent = client.send(version, &make(version)).await;
        let (correlation, _) = client.receive::<R>(version).await;
        assert_eq!(correlation, sent, "{:?} version {version}", served.key);
    }
    asked.insert(R::KEY);
}

#[tokio::test]
async fn every_version_of_the_data_path_is_answered() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("v", 1, &[]).await;
    let asked = &mut BTreeSet::new();
    let client = &mut client;
    ask(client, asked, |_| ApiVersionsRequest::default()).await;
    ask(client, asked, |version| {
        let unknown =
            metadata_request::MetadataRequestTopic::default().with_name(Some(support::topic("nowhere")));
        let known = metadata_request::MetadataRequestTopic::default().with_name(Some(support::topic("v")));
        MetadataRequest::default()
            .with_topics(Some(vec![unknown, known]))
            .with_allow_auto_topic_creation(version < 4 || version % 2 == 0)
    })
    .await;
    ask(client, asked, |_| {
        ProduceRequest::default()
            .with_acks(-1)
            .with_topic_data(support::produce_request("v", 0, support::records(&[b"x"]), -1).topic_data)
    })
    .await;
    ask(client, asked, |version| {
        let request = support::fetch_request(&[("v", 0, 0)]);
        if version >= 7 {
            request
        } else {
            request.with_session_epoch(-1)
        }
    })
    .await;
    ask(client, asked, |_| {
        let partition = list_offsets_request::ListOffsetsPartition::default()
            .with_timestamp(-1)
            .with_current_leader_epoch(-1);
        let topic = list_offsets_request::ListOffsetsTopic::default()
            .with_name(support::topic("v"))
            .with_partitions(vec![partition]);
        ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![topic])
    })
    .await;
    ask(client, asked, |_| {
        let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default()
            .with_current_leader_epoch(-1);
        let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
            .with_topic(support::topic("v"))
            .with_partitions(vec![partition]);
        OffsetForLeaderEpochRequest::default().with_topics(vec![topic])
    })
    .await;
    ask(client, asked, |_| {
        InitProducerIdRequest::default().with_transactional_id(None)
    })
    .await;
    assert_eq!(asked.len(), 7);
}

#[tokio::test]
async fn every_version_of_every_admin_api_is_answered() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let asked = &mut BTreeSet::new();
    let client = &mut client;
    ask(client, asked, |version| {
        let name = format!("made-{version}");
        let topic = create_topics_request::CreatableTopic::default()
            .with_name(support::topic(&name))
            .with_num_partitions(1)
            .with_replication_factor(1);
        CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(30_000)
    })
    .await;
    ask(client, asked, |version| {
        let name = support::topic(&format!("made-{version}"));
        match version {
            6.. => DeleteTopicsRequest::default().with_topics(vec![
                delete_topics_request::DeleteTopicState::default().with_name(Some(name)),
            ]),
            _ => DeleteTopicsRequest::default().with_topic_names(vec![name]),
        }
    })
    .await;
    ask(client, asked, |_| CreatePartitionsRequest::default()).await;
    ask(client, asked, |_| DeleteRecordsRequest::default()).await;
    ask(client, asked, |_| {
        let broker = describe_configs_request::DescribeConfigsResource::default()
            .with_resource_type(4)
            .with_resource_name(support::text("1"))
            .with_configuration_keys(None);
        DescribeConfigsRequest::default().with_resources(vec![broker])
    })
    .await;
    ask(client, asked, |_| AlterConfigsRequest::default()).await;
    ask(client, asked, |_| IncrementalAlterConfigsRequest::default()).await;
    ask(client, asked, |_| DescribeClusterRequest::default()).await;
    ask(client, asked, |_| DescribeProducersRequest::default()).await;
    ask(client, asked, |_| {
        DescribeLogDirsRequest::default().with_topics(None)
    })
    .await;
    ask(client, asked, |_| {
        DescribeTopicPartitionsRequest::default().with_response_partition_limit(10)
    })
    .await;
    // Those of groups are asked in the tests of groups.
    assert_eq!(asked.len(), 11);
}
