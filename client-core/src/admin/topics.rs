//! Topics.

use std::sync::Arc;

use tidemill_wire::kafka::messages::create_partitions_request::CreatePartitionsTopic;
use tidemill_wire::kafka::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use tidemill_wire::kafka::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use tidemill_wire::kafka::messages::delete_topics_request::DeleteTopicState;
use tidemill_wire::kafka::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
};
use uuid::Uuid;

use crate::cluster::{Cluster, EARLIEST, LATEST, OffsetQuery, text, topic_name};
use crate::consumer::Start;
use crate::error::{Error, ErrorKind, Result};

/// Operations on topics. Made by [`crate::Client::topics`].
#[derive(Clone)]
pub struct Topics {
    cluster: Arc<Cluster>,
}

/// A topic to create.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewTopic {
    name: String,
    partitions: i32,
    replication: i16,
    configs: Vec<(String, String)>,
    validate_only: bool,
}

/// A topic that was created.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicCreated {
    /// Its name.
    pub name: String,
    /// Its id; nil if the server does not tell.
    pub id: Uuid,
    /// How many partitions it has; -1 if the server does not tell.
    pub partitions: i32,
    /// How many replicas each has; -1 if the server does not tell.
    pub replication: i32,
}

/// One line of a list of topics.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicSummary {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// Whether the server keeps it for itself.
    pub internal: bool,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each has.
    pub replication: i32,
}

/// A topic and where its partitions are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// Whether the server keeps it for itself.
    pub internal: bool,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionDescription>,
}

/// A partition and where it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PartitionDescription {
    /// Its number.
    pub partition: i32,
    /// The leading broker; -1 if there is none.
    pub leader: i32,
    /// The leader's epoch; -1 if not known.
    pub leader_epoch: i32,
    /// The brokers that hold it.
    pub replicas: Vec<i32>,
    /// Those of them in sync.
    pub isr: Vec<i32>,
}

/// An offset looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionOffset {
    /// The partition.
    pub partition: i32,
    /// The offset; -1 if no record is that young.
    pub offset: i64,
    /// That record's timestamp, in milliseconds since the epoch; -1 if there is none.
    pub timestamp: i64,
}

impl NewTopic {
    /// A topic with the server's default partitions and replicas.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partitions: -1,
            replication: -1,
            configs: Vec::new(),
            validate_only: false,
        }
    }

    /// How many partitions.
    pub fn partitions(mut self, count: i32) -> Self {
        self.partitions = count;
        self
    }

    /// How many replicas of each.
    pub fn replication(mut self, count: i16) -> Self {
        self.replication = count;
        self
    }

    /// A setting, by its Kafka name. May be repeated.
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.push((name.into(), value.into()));
        self
    }

    /// Only checks whether it could be created.
    pub fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }
}

impl Topics {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.cluster.settings().request_timeout.as_millis()).unwrap_or(i32::MAX)
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// `AlreadyExists`; `InvalidArgument` for a bad name, count or setting.
    pub async fn create(&self, topic: NewTopic) -> Result<TopicCreated> {
        let config = |(name, value): &(String, String)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        };
        let wanted = CreatableTopic::default()
            .with_name(topic_name(&topic.name))
            .with_num_partitions(topic.partitions)
            .with_replication_factor(topic.replication)
            .with_configs(topic.configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(self.timeout_ms())
            .with_validate_only(topic.validate_only);
        let what = format!("creating topic {:?}", topic.name);
        self.cluster
            .retrying(|| async {
                let response = self.cluster.call_any(&request).await?;
                let created = response.topics.first().ok_or_else(|| left_out(&what))?;
                check(created.error_code, &what, created.error_message.as_deref())?;
                Ok(TopicCreated {
                    name: topic.name.clone(),
                    id: created.topic_id,
                    partitions: created.num_partitions,
                    replication: i32::from(created.replication_factor),
                })
            })
            .await
    }

    /// All topics, in order of name.
    pub async fn list(&self) -> Result<Vec<TopicSummary>> {
        let response = self.cluster.refresh_all().await?;
        let mut topics: Vec<TopicSummary> = response
            .topics
            .iter()
            .filter(|topic| topic.error_code == 0)
            .filter_map(|topic| {
                let replicas = topic
                    .partitions
                    .iter()
                    .map(|p| p.replica_nodes.len())
                    .max()
                    .unwrap_or(0);
                Some(TopicSummary {
                    name: topic.name.as_ref()?.to_string(),
                    id: topic.topic_id,
                    internal: topic.is_internal,
                    partitions: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
                    replication: i32::try_from(replicas).unwrap_or(i32::MAX),
                })
            })
            .collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// One topic and its partitions. `NotFound` names the nearest topic there is.
    pub async fn describe(&self, name: &str) -> Result<TopicDescription> {
        let topic = self.cluster.ask_topic(name).await?;
        let partitions = topic
            .partitions
            .iter()
            .zip(0..)
            .map(|(partition, index)| PartitionDescription {
                partition: index,
                leader: partition.leader,
                leader_epoch: partition.leader_epoch,
                replicas: partition.replicas.clone(),
                isr: partition.isr.clone(),
            });
        Ok(TopicDescription {
            name: name.to_owned(),
            id: topic.id,
            internal: topic.internal,
            partitions: partitions.collect(),
        })
    }

    /// Deletes a topic and its records. `NotFound` names the nearest topic there is.
    pub async fn delete(&self, name: &str) -> Result<()> {
        // Up to version 5 topics are listed by name, from 6 on each by name or id: fill in both.
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![
                DeleteTopicState::default().with_name(Some(topic_name(name))),
            ])
            .with_topic_names(vec![topic_name(name)])
            .with_timeout_ms(self.timeout_ms());
        let response = self.cluster.call_any_version(&request, |request, version| {
            if version >= 6 {
                request.topic_names.clear()
            } else {
                request.topics.clear()
            }
        });
        let response = response.await?;
        let what = format!("deleting topic {name:?}");
        let result = response.responses.first().ok_or_else(|| left_out(&what))?;
        match check(result.error_code, &what, result.error_message.as_deref()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.cluster.no_such_topic(name).await),
            outcome => {
                self.cluster.refresh(&[name]).await?;
                outcome
            }
        }
    }

    /// Raises the number of partitions to `total`.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` if the topic has as many or more.
    pub async fn add_partitions(&self, name: &str, total: i32) -> Result<()> {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(total)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(self.timeout_ms());
        let response = self.cluster.call_any(&request).await?;
        let what = format!("adding partitions to topic {name:?}");
        let result = response.results.first().ok_or_else(|| left_out(&what))?;
        match check(result.error_code, &what, result.error_message.as_deref()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.cluster.no_such_topic(name).await),
            outcome => outcome,
        }
    }

    /// Deletes the records before an offset, for each (partition, offset); offset -1 means all there are.
    /// Answers the new first offsets.
    ///
    /// # Errors
    /// `OutOfRange` for an offset beyond the end.
    pub async fn delete_records(&self, name: &str, before: &[(i32, i64)]) -> Result<Vec<(i32, i64)>> {
        let topic = self.cluster.topic(name).await?;
        let mut starts = Vec::new();
        for &(partition, offset) in before {
            let what = format!("deleting records of {name:?} partition {partition} before {offset}");
            let leader = topic
                .leader(partition)
                .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{what}: no leader")))?;
            let wanted = DeleteRecordsPartition::default()
                .with_partition_index(partition)
                .with_offset(offset);
            let wanted = DeleteRecordsTopic::default()
                .with_name(topic_name(name))
                .with_partitions(vec![wanted]);
            let request = DeleteRecordsRequest::default()
                .with_topics(vec![wanted])
                .with_timeout_ms(self.timeout_ms());
            let response = self.cluster.call_broker(leader, &request).await?;
            let result = response.topics.first().and_then(|topic| topic.partitions.first());
            let result = result.ok_or_else(|| left_out(&what))?;
            check(result.error_code, &what, None)?;
            starts.push((partition, result.low_watermark));
        }
        Ok(starts)
    }

    /// The offset of each partition at a place: [`Start::Earliest`], [`Start::Latest`], [`Start::Timestamp`] or
    /// [`Start::Last`]; [`Start::Offset`] is answered as given, moved to within the log.
    pub async fn offsets(&self, name: &str, at: Start) -> Result<Vec<PartitionOffset>> {
        let topic = self.cluster.ask_topic(name).await?;
        let ask = async |timestamp: i64| {
            let query = |partition| OffsetQuery {
                topic: topic.name.clone(),
                partition,
                timestamp,
            };
            let queries: Vec<OffsetQuery> = (0..topic.partition_count()).map(query).collect();
            self.cluster.list_offsets(&queries, false).await
        };
        let found = match at {
            Start::Earliest => ask(EARLIEST).await?,
            Start::Latest => ask(LATEST).await?,
            Start::Timestamp(timestamp) => ask(timestamp.max(0)).await?,
            Start::Last(_) | Start::Offset(_) => {
                let (first, mut found) = (ask(EARLIEST).await?, ask(LATEST).await?);
                for (end, start) in found.iter_mut().zip(first) {
                    let wanted = match at {
                        Start::Offset(offset) => offset.min(end.offset),
                        Start::Last(count) => end
                            .offset
                            .saturating_sub(i64::try_from(count).unwrap_or(i64::MAX)),
                        _ => end.offset,
                    };
                    end.offset = wanted.max(start.offset);
                }
                found
            }
        };
        let offsets = found.iter().zip(0..).map(|(found, partition)| PartitionOffset {
            partition,
            offset: found.offset,
            timestamp: found.timestamp,
        });
        Ok(offsets.collect())
    }

    /// The topic whose name is most like `name`, if one is close.
    pub async fn nearest(&self, name: &str) -> Option<String> {
        self.cluster.nearest_topic(name).await
    }
}

pub(super) fn check(code: i16, what: &str, detail: Option<&str>) -> Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(Error::from_code(code, what, detail))
    }
}

pub(super) fn left_out(what: &str) -> Error {
    Error::corrupt(format!("{what}: the server's answer leaves it out"))
}
