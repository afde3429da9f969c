//! What is asked of the cluster as a whole: leaders, replicas, the quorum, what has configs, quotas or credentials.

mod support;

use std::collections::BTreeSet;

use support::{Client, Node, text, topic};
use tidemill_wire::api::SERVED;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use tidemill_wire::kafka::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic,
};
use tidemill_wire::kafka::messages::describe_client_quotas_request::ComponentData;
use tidemill_wire::kafka::messages::describe_quorum_request::{PartitionData, TopicData};
use tidemill_wire::kafka::messages::describe_user_scram_credentials_request::UserName;
use tidemill_wire::kafka::messages::elect_leaders_request::TopicPartitions;
use tidemill_wire::kafka::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use tidemill_wire::kafka::messages::{
    AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, BrokerId, DescribeClientQuotasRequest,
    DescribeLogDirsRequest, DescribeQuorumRequest, DescribeUserScramCredentialsRequest, ElectLeadersRequest,
    ListConfigResourcesRequest, ListPartitionReassignmentsRequest,
};
use tidemill_wire::kafka::protocol::Request;

const UNKNOWN: ResponseError = ResponseError::UnknownTopicOrPartition;

async fn ask<R: Request>(client: &mut Client, asked: &mut BTreeSet<i16>, make: impl Fn(i16) -> R) {
    let served = SERVED.iter().find(|served| served.key as i16 == R::KEY);
    let Some(served) = served else { return };
    for version in served.min..=served.max {
        let sent = client.send(version, &make(version)).await;
        let (correlation, _) = client.receive::<R>(version).await;
        assert_eq!(correlation, sent, "{:?} version {version}", served.key);
    }
    asked.insert(R::KEY);
}

fn quorum(name: &str, index: i32) -> DescribeQuorumRequest {
    let partition = PartitionData::default().with_partition_index(index);
    let asked = TopicData::default()
        .with_topic_name(topic(name))
        .with_partitions(vec![partition]);
    DescribeQuorumRequest::default().with_topics(vec![asked])
}

fn election(kind: i8, indexes: Option<Vec<i32>>) -> ElectLeadersRequest {
    let topics = indexes.map(|indexes| {
        vec![
            TopicPartitions::default()
                .with_topic(topic("c"))
                .with_partitions(indexes),
        ]
    });
    ElectLeadersRequest::default()
        .with_election_type(kind)
        .with_topic_partitions(topics)
}

fn reassignment(index: i32, replicas: Option<&[i32]>) -> AlterPartitionReassignmentsRequest {
    let replicas = replicas.map(|ids| ids.iter().copied().map(BrokerId).collect());
    let partition = ReassignablePartition::default()
        .with_partition_index(index)
        .with_replicas(replicas);
    let asked = ReassignableTopic::default()
        .with_name(topic("c"))
        .with_partitions(vec![partition]);
    AlterPartitionReassignmentsRequest::default().with_topics(vec![asked])
}

fn move_to(path: &str, index: i32) -> AlterReplicaLogDirsRequest {
    let asked = AlterReplicaLogDirTopic::default()
        .with_name(topic("c"))
        .with_partitions(vec![index]);
    let dir = AlterReplicaLogDir::default()
        .with_path(text(path))
        .with_topics(vec![asked]);
    AlterReplicaLogDirsRequest::default().with_dirs(vec![dir])
}

fn quotas(components: &[(&str, i8, Option<&str>)]) -> DescribeClientQuotasRequest {
    let component = |(entity, kind, name): &(&str, i8, Option<&str>)| {
        ComponentData::default()
            .with_entity_type(text(entity))
            .with_match_type(*kind)
            .with_match(name.map(text))
    };
    DescribeClientQuotasRequest::default().with_components(components.iter().map(component).collect())
}

fn credentials(names: &[&str]) -> DescribeUserScramCredentialsRequest {
    let user = |name: &&str| UserName::default().with_name(text(name));
    DescribeUserScramCredentialsRequest::default().with_users(Some(names.iter().map(user).collect()))
}

#[tokio::test]
async fn every_version_is_answered() {
    let node = Node::start().await;
    let client = &mut node.client().await;
    client.create_topic("c", 1, &[]).await;
    let asked = &mut BTreeSet::new();
    ask(client, asked, |_| ListConfigResourcesRequest::default()).await;
    ask(client, asked, |_| quorum("__cluster_metadata", 0)).await;
    ask(client, asked, |_| quorum("c", 0)).await;
    ask(client, asked, |_| election(0, Some(vec![0, 7]))).await;
    ask(client, asked, |_| reassignment(0, Some(&[1]))).await;
    ask(client, asked, |_| {
        ListPartitionReassignmentsRequest::default().with_topics(None)
    })
    .await;
    ask(client, asked, |_| move_to("/nowhere", 0)).await;
    ask(client, asked, |_| quotas(&[("user", 2, None)])).await;
    ask(client, asked, |_| credentials(&["me"])).await;
    assert_eq!(asked.len(), 8);
}

#[tokio::test]
async fn topics_and_brokers_are_what_has_configs() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("c", 1, &[]).await;
    let all = client.call(1, ListConfigResourcesRequest::default()).await;
    let found: Vec<(i8, &str)> = all
        .config_resources
        .iter()
        .map(|resource| (resource.resource_type, &*resource.resource_name))
        .collect();
    assert!(
        found.contains(&(2, "c")) && found.contains(&(4, "1")),
        "{found:?}"
    );
    let groups = ListConfigResourcesRequest::default().with_resource_types(vec![32]);
    assert_eq!(client.call(1, groups).await.config_resources, []);
    let unknown = ListConfigResourcesRequest::default().with_resource_types(vec![2, 3]);
    assert_eq!(
        client.call(1, unknown).await.error_code,
        ResponseError::UnsupportedVersion.code()
    );
    // Version 0 asks for client metrics, of which there are none.
    let metrics = client.call(0, ListConfigResourcesRequest::default()).await;
    assert_eq!((metrics.error_code, metrics.config_resources.len()), (0, 0));
}

#[tokio::test]
async fn this_node_is_the_whole_quorum_and_its_log_grows_with_each_command() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let before = client.call(2, quorum("__cluster_metadata", 0)).await;
    assert_eq!(before.error_code, 0);
    let before = before.topics[0].partitions[0].clone();
    client.create_topic("c", 1, &[]).await;
    let after = client.call(2, quorum("__cluster_metadata", 0)).await;
    assert_eq!(after.nodes.len(), 1);
    let after = &after.topics[0].partitions[0];
    assert_eq!((after.error_code, after.leader_id), (0, BrokerId(1)));
    assert!(after.high_watermark > before.high_watermark);
    assert_eq!(after.leader_epoch, before.leader_epoch);
    assert_eq!(after.current_voters.len(), 1);
    assert_eq!(after.current_voters[0].log_end_offset, after.high_watermark);
    let other = client.call(2, quorum("c", 0)).await;
    assert_eq!(other.topics[0].partitions[0].error_code, UNKNOWN.code());
}

#[tokio::test]
async fn no_election_is_needed_and_no_replica_moves() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("c", 2, &[]).await;
    let elected = client.call(2, election(1, Some(vec![0, 1, 2]))).await;
    let codes: Vec<i16> = elected.replica_election_results[0]
        .partition_result
        .iter()
        .map(|partition| partition.error_code)
        .collect();
    let needless = ResponseError::ElectionNotNeeded.code();
    assert_eq!(codes, [needless, needless, UNKNOWN.code()]);
    assert_eq!(
        client.call(2, election(0, None)).await.replica_election_results,
        []
    );
    assert_ne!(client.call(2, election(9, None)).await.error_code, 0);

    let cases = [
        (reassignment(1, Some(&[1])), 0),
        (
            reassignment(1, Some(&[1, 2])),
            ResponseError::InvalidReplicaAssignment.code(),
        ),
        (
            reassignment(1, None),
            ResponseError::NoReassignmentInProgress.code(),
        ),
        (reassignment(2, Some(&[1])), UNKNOWN.code()),
    ];
    for (request, code) in cases {
        let answer = client.call(1, request.clone()).await;
        assert_eq!(answer.responses[0].partitions[0].error_code, code, "{request:?}");
    }
    let asked = ListPartitionReassignmentsTopics::default()
        .with_name(topic("c"))
        .with_partition_indexes(vec![0, 1]);
    let request = ListPartitionReassignmentsRequest::default().with_topics(Some(vec![asked]));
    let listed = client.call(0, request).await;
    assert_eq!((listed.error_code, listed.topics.len()), (0, 0));
}

#[tokio::test]
async fn a_replica_may_only_stay_in_its_directory() {
    let node = Node::start().await;
    let mut client = node.client().await;
    client.create_topic("c", 1, &[]).await;
    let dirs = client
        .call(4, DescribeLogDirsRequest::default().with_topics(None))
        .await;
    let here = dirs.results[0].log_dir.to_string();
    let cases = [
        (move_to(&here, 0), 0),
        (move_to(&here, 3), UNKNOWN.code()),
        (move_to("/nowhere", 0), ResponseError::LogDirNotFound.code()),
    ];
    for (request, code) in cases {
        let answer = client.call(2, request.clone()).await;
        assert_eq!(answer.results[0].partitions[0].error_code, code, "{request:?}");
    }
}

#[tokio::test]
async fn nobody_has_quotas_or_credentials() {
    let node = Node::start().await;
    let mut client = node.client().await;
    let invalid = ResponseError::InvalidRequest.code();
    let cases = [
        (quotas(&[("user", 0, Some("me")), ("client-id", 1, None)]), 0),
        (quotas(&[]), 0),
        (quotas(&[("user", 0, None)]), invalid),
        (quotas(&[("user", 1, Some("me"))]), invalid),
        (quotas(&[("user", 3, None)]), invalid),
        (quotas(&[("user", 2, None), ("user", 2, None)]), invalid),
        (quotas(&[("user", 2, None), ("ip", 2, None)]), invalid),
        (quotas(&[("", 2, None)]), invalid),
        (
            quotas(&[("shoe-size", 2, None)]),
            ResponseError::UnsupportedVersion.code(),
        ),
    ];
    for (request, code) in cases {
        let answer = client.call(1, request.clone()).await;
        assert_eq!(answer.error_code, code, "{request:?}");
        assert_eq!(answer.entries.is_some(), code == 0);
    }
    let answer = client.call(0, credentials(&["you", "me", "you"])).await;
    let codes: Vec<i16> = answer.results.iter().map(|result| result.error_code).collect();
    let expected = [ResponseError::ResourceNotFound, ResponseError::DuplicateResource];
    assert_eq!(codes, expected.map(|error| error.code()));
    let all = DescribeUserScramCredentialsRequest::default().with_users(None);
    assert_eq!(client.call(0, all).await.results, []);
}
