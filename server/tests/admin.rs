//! What administrators ask over Kafka.

mod support;

use support::{Client, Node, records, text, topic};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::create_partitions_request::CreatePartitionsTopic;
use tidemill_wire::kafka::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use tidemill_wire::kafka::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use tidemill_wire::kafka::messages::describe_configs_request::DescribeConfigsResource;
use tidemill_wire::kafka::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use tidemill_wire::kafka::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidemill_wire::kafka::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DescribeClusterRequest,
    DescribeConfigsRequest, DescribeLogDirsRequest, DescribeTopicPartitionsRequest,
    IncrementalAlterConfigsRequest, ListOffsetsRequest,
};

async fn list(client: &mut Client, name: &str, timestamp: i64) -> (i64, i64) {
    let partition = ListOffsetsPartition::default()
        .with_timestamp(timestamp)
        .with_current_leader_epoch(-1);
    let asked = ListOffsetsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![asked]);
    let response = client.call(9, request).await;
    let found = &response.topics[0].partitions[0];
    assert_eq!(found.error_code, 0);
    (found.offset, found.timestamp)
}

#[tokio::test]
async fn a_bad_topic_is_refused_with_its_reason_and_a_dry_run_makes_nothing() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let wish = |name: &str| {
        CreatableTopic::default()
            .with_name(topic(name))
            .with_num_partitions(1)
            .with_replication_factor(1)
    };
    let config = CreatableTopicConfig::default()
        .with_name(text("retentoin.ms"))
        .with_value(Some(text("1")));
    let wishes = vec![
        wish("no/slash"),
        wish("no-config").with_configs(vec![config]),
        wish("fine").with_num_partitions(0),
    ];
    let response = client
        .call(
            7,
            CreateTopicsRequest::default()
                .with_topics(wishes)
                .with_timeout_ms(1_000),
        )
        .await;
    let codes: Vec<i16> = response.topics.iter().map(|topic| topic.error_code).collect();
    let expected = [
        ResponseError::InvalidTopicException,
        ResponseError::InvalidConfig,
        ResponseError::InvalidPartitions,
    ];
    assert_eq!(codes, expected.map(|error| error.code()));
    assert!(
        response
            .topics
            .iter()
            .all(|topic| topic.error_message.as_ref().is_some_and(|text| !text.is_empty()))
    );
    let dry = CreateTopicsRequest::default()
        .with_topics(vec![wish("dry")])
        .with_validate_only(true);
    assert_eq!(client.call(7, dry).await.topics[0].error_code, 0);
    client.create_topic("dry", 1, &[]).await;
    let twice = CreateTopicsRequest::default().with_topics(vec![wish("dry")]);
    assert_eq!(
        client.call(7, twice).await.topics[0].error_code,
        ResponseError::TopicAlreadyExists.code()
    );
}

#[tokio::test]
async fn added_partitions_take_records_at_once() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("more", 1, &[]).await;
    let more = CreatePartitionsTopic::default()
        .with_name(topic("more"))
        .with_count(4)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![more])
        .with_timeout_ms(30_000);
    assert_eq!(client.call(3, request).await.results[0].error_code, 0);
    assert_eq!(
        client.produce("more", 3, records(&[b"x"]), -1).await.error_code,
        0
    );
}

#[tokio::test]
async fn an_altered_config_is_told_and_in_force() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("conf", 1, &[]).await;
    assert_eq!(
        client
            .produce("conf", 0, records(&[&[1; 5_000]]), -1)
            .await
            .error_code,
        0
    );
    let set = AlterableConfig::default()
        .with_name(text("max.message.bytes"))
        .with_value(Some(text("1000")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("conf"))
        .with_configs(vec![set]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(client.call(1, request).await.responses[0].error_code, 0);
    let refused = client.produce("conf", 0, records(&[&[1; 5_000]]), -1).await;
    assert_eq!(refused.error_code, ResponseError::MessageTooLarge.code());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("conf"))
        .with_configuration_keys(Some(vec![text("max.message.bytes")]));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let response = client.call(4, request).await;
    let [config] = response.results[0].configs.as_slice() else {
        panic!("one config was asked for")
    };
    assert_eq!((config.value.as_deref(), config.config_source), (Some("1000"), 1));
    assert_eq!(config.synonyms.len(), 2);
}

#[tokio::test]
async fn the_broker_tells_where_the_rest_api_is() {
    let node = Node::start().await;
    let resource = DescribeConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name(text("1"))
        .with_configuration_keys(Some(vec![text("tidemill.admin.url")]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let response = node.client().await.call(4, request).await;
    let url = format!("http://{}", node.running.http_addr());
    assert_eq!(
        response.results[0].configs[0].value.as_deref(),
        Some(url.as_str())
    );
}

#[tokio::test]
async fn offsets_are_found_by_place_and_time_and_follow_deleted_records() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("times", 1, &[]).await;
    for _ in 0..3 {
        client.produce("times", 0, records(&[b"a", b"b"]), -1).await;
    }
    assert_eq!(list(&mut client, "times", -1).await.0, 6);
    assert_eq!(list(&mut client, "times", -2).await.0, 0);
    assert_eq!(list(&mut client, "times", 0).await, (0, 1_700_000_000_000));
    assert_eq!(list(&mut client, "times", 1_800_000_000_000).await.0, -1);
    let partition = DeleteRecordsPartition::default().with_offset(3);
    let asked = DeleteRecordsTopic::default()
        .with_name(topic("times"))
        .with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default()
        .with_topics(vec![asked])
        .with_timeout_ms(1_000);
    assert_eq!(
        client.call(2, request).await.topics[0].partitions[0].low_watermark,
        3
    );
    assert_eq!(list(&mut client, "times", -2).await.0, 3);
    let node = node.restart().await;
    assert_eq!(list(&mut node.client().await, "times", -2).await.0, 3);
}

#[tokio::test]
async fn partitions_are_told_page_by_page() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("a", 3, &[]).await;
    client.create_topic("b", 2, &[]).await;
    let mut cursor = None;
    let mut told = Vec::new();
    loop {
        let request = DescribeTopicPartitionsRequest::default().with_response_partition_limit(2);
        let request = request.with_cursor(cursor.take());
        let page = client.call(0, request).await;
        for topic in &page.topics {
            let name = topic.name.as_ref().unwrap().to_string();
            told.extend(
                topic
                    .partitions
                    .iter()
                    .map(|partition| (name.clone(), partition.partition_index)),
            );
        }
        let Some(next) = page.next_cursor else { break };
        let next = tidemill_wire::kafka::messages::describe_topic_partitions_request::Cursor::default()
            .with_topic_name(next.topic_name)
            .with_partition_index(next.partition_index);
        cursor = Some(next);
    }
    let expected = [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)];
    assert_eq!(told, expected.map(|(name, index)| (name.to_owned(), index)));
}

#[tokio::test]
async fn the_cluster_and_its_disk_are_described() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("sized", 1, &[]).await;
    client.produce("sized", 0, records(&[&[1; 1_000]]), -1).await;
    let cluster = client
        .call(1, DescribeClusterRequest::default().with_endpoint_type(1))
        .await;
    assert_eq!(
        cluster.brokers[0].port,
        i32::from(node.running.kafka_addr().port())
    );
    assert!(!cluster.cluster_id.is_empty());
    let dirs = client
        .call(4, DescribeLogDirsRequest::default().with_topics(None))
        .await;
    assert!(dirs.results[0].total_bytes > 0);
    let sized = dirs.results[0]
        .topics
        .iter()
        .find(|found| found.name == topic("sized"))
        .unwrap();
    assert!(sized.partitions[0].partition_size >= 1_000);
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_by_name() {
    let node = Node::start().await;
    let again = tidemill_server::Server::start(support::settings(node.dir.path())).await;
    let error = again.err().unwrap().to_string();
    assert!(error.contains(&std::process::id().to_string()), "{error}");
}

#[tokio::test]
async fn listening_to_the_world_takes_a_flag() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = support::settings(dir.path());
    config.kafka = "0.0.0.0:0".parse().unwrap();
    let error = tidemill_server::Server::start(config.clone())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("--insecure-listen"), "{error}");
    config.insecure_listen = true;
    tidemill_server::Server::start(config)
        .await
        .unwrap()
        .shutdown()
        .await;
}
