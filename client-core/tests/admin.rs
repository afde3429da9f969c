//! Administration against a real server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{SOON, client, topic, unique};
use tidemill_client::{ConfigChange, ErrorKind, NewTopic, Record, Start, TopicPartitionOffset};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_lives_and_dies() {
    let client = client().await;
    let topics = client.topics();
    let name = unique("client-admin");
    let new = || {
        NewTopic::new(&name)
            .partitions(2)
            .replication(1)
            .config("retention.ms", "60000")
    };
    topics.create(new()).await.unwrap();
    assert_eq!(
        topics.create(new()).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert!(
        topics
            .list()
            .await
            .unwrap()
            .iter()
            .any(|topic| topic.name == name && topic.partitions == 2)
    );
    topics.add_partitions(&name, 3).await.unwrap();
    assert_eq!(topics.describe(&name).await.unwrap().partitions.len(), 3);
    let configs = client.configs();
    let value = async |key: &str| {
        let entries = configs.topic(&name).await.unwrap();
        entries
            .into_iter()
            .find(|entry| entry.name == key)
            .and_then(|entry| entry.value)
    };
    assert_eq!(value("retention.ms").await.as_deref(), Some("60000"));
    let change = ConfigChange::Set("retention.ms".into(), "70000".into());
    configs.alter_topic(&name, &[change]).await.unwrap();
    assert_eq!(value("retention.ms").await.as_deref(), Some("70000"));
    topics.delete(&name).await.unwrap();
    assert_eq!(
        topics.delete(&name).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    topics.create(new()).await.unwrap();
    let producer = client.producer().build().await.unwrap();
    assert_eq!(
        producer
            .send(Record::to(&name).partition(0).value(b"again"))
            .await
            .unwrap()
            .offset,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_can_be_trimmed_and_offsets_looked_up() {
    let client = client().await;
    let name = topic(&client, 1).await;
    let producer = client.producer().build().await.unwrap();
    for number in 0..10_u8 {
        producer
            .send(
                Record::to(&name)
                    .value(&[number])
                    .timestamp(100 + i64::from(number)),
            )
            .await
            .unwrap();
    }
    let topics = client.topics();
    assert_eq!(topics.delete_records(&name, &[(0, 4)]).await.unwrap(), [(0, 4)]);
    let offset = async |at| topics.offsets(&name, at).await.unwrap()[0].offset;
    assert_eq!(offset(Start::Earliest).await, 4);
    assert_eq!(offset(Start::Latest).await, 10);
    assert_eq!(offset(Start::Timestamp(106)).await, 6);
    assert_eq!(offset(Start::Last(2)).await, 8);
    // A consumer that starts before the first record left goes on there.
    let mut consumer = client
        .consumer()
        .topic(&name)
        .start(Start::Offset(0))
        .build()
        .await
        .unwrap();
    let records = consumer.next_batch(1, SOON).await.unwrap();
    assert_eq!(records.iter().next().unwrap().unwrap().offset, 4);
    let producers = client.cluster().producers(&name, 0).await.unwrap();
    assert_eq!(
        producers
            .iter()
            .map(|state| state.last_sequence)
            .collect::<Vec<_>>(),
        [9]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_group_without_members_can_be_set() {
    let client = client().await;
    let name = topic(&client, 2).await;
    let producer = client.producer().build().await.unwrap();
    for partition in [0, 0, 0, 1] {
        producer
            .send(Record::to(&name).partition(partition).value(b"x"))
            .await
            .unwrap();
    }
    let group = unique("client-group");
    let groups = client.groups();
    let place = TopicPartitionOffset {
        topic: name.clone(),
        partition: 0,
        offset: 1,
    };
    groups.alter_offsets(&group, &[place]).await.unwrap();
    let offsets = groups.offsets(&group).await.unwrap();
    assert_eq!(
        (offsets[0].committed, offsets[0].end, offsets[0].lag),
        (1, 3, Some(2))
    );
    assert_eq!(
        groups
            .reset_offsets(&group, &name, Start::Latest, false)
            .await
            .unwrap()
            .len(),
        2
    );
    let lags: Vec<_> = groups
        .offsets(&group)
        .await
        .unwrap()
        .iter()
        .map(|offset| offset.lag)
        .collect();
    assert_eq!(lags, [Some(0), Some(0)]);
    assert!(
        groups
            .list()
            .await
            .unwrap()
            .iter()
            .any(|summary| summary.group_id == group)
    );
    groups.delete_offsets(&group, &name).await.unwrap();
    assert!(groups.offsets(&group).await.unwrap().is_empty());
    // A group that holds nothing may be gone by itself.
    assert!(groups.delete(&group).await.map_err(|error| error.kind()) != Err(ErrorKind::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_tells_about_itself() {
    let client = client().await;
    let cluster = client.cluster();
    let description = cluster.describe().await.unwrap();
    assert!(!description.cluster_id.is_empty() && !description.brokers.is_empty());
    assert!(!cluster.log_dirs().await.unwrap().is_empty());
    assert!(
        cluster
            .api_versions()
            .await
            .unwrap()
            .iter()
            .any(|api| api.name == "Fetch")
    );
    assert!(
        !client
            .configs()
            .broker(description.brokers[0].id)
            .await
            .unwrap()
            .is_empty()
    );
}
