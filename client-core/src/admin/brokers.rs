//! The cluster as a whole: brokers, log directories, producers.

use std::sync::Arc;

use tidemill_wire::kafka::messages::describe_producers_request::TopicRequest;
use tidemill_wire::kafka::messages::{
    ApiKey, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeProducersRequest,
};

use super::topics::{check, left_out};
use crate::cluster::{Cluster, topic_name};
use crate::error::{Error, ErrorKind, Result};

/// Operations on the cluster. Made by [`crate::Client::cluster`].
#[derive(Clone)]
pub struct ClusterAdmin {
    cluster: Arc<Cluster>,
}

/// The cluster and its brokers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClusterDescription {
    /// The cluster's id.
    pub cluster_id: String,
    /// The broker that takes administrative requests; -1 if not known.
    pub controller: i32,
    /// The brokers, in order of id.
    pub brokers: Vec<BrokerDescription>,
}

/// One broker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BrokerDescription {
    /// Its id.
    pub id: i32,
    /// The host clients reach it at.
    pub host: String,
    /// The port clients reach it at.
    pub port: u16,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

/// A directory in which a broker keeps logs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogDir {
    /// The broker.
    pub broker: i32,
    /// Its path there.
    pub path: String,
    /// Why it does not work, if so.
    pub error: Option<Error>,
    /// Size of its file system, in bytes, if the server tells.
    pub total_bytes: Option<i64>,
    /// What is free there, in bytes, if the server tells.
    pub usable_bytes: Option<i64>,
    /// The replicas in it.
    pub replicas: Vec<ReplicaSize>,
}

/// One replica in a log directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplicaSize {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Its size on disk, in bytes.
    pub bytes: i64,
    /// How many offsets it is behind.
    pub lag: i64,
}

/// What a partition remembers of an idempotent producer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProducerState {
    /// The producer's id.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i32,
    /// The sequence number of its last record.
    pub last_sequence: i32,
    /// When that was, in milliseconds since the epoch.
    pub last_timestamp: i64,
}

/// The versions of one request that the server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiRange {
    /// The request's number.
    pub key: i16,
    /// The request's name; its number if this client does not know it.
    pub name: String,
    /// The oldest version.
    pub min: i16,
    /// The newest version.
    pub max: i16,
}

impl ClusterAdmin {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// The brokers there are now.
    pub async fn describe(&self) -> Result<ClusterDescription> {
        self.cluster.refresh(&[]).await?;
        Ok(self.last_known())
    }

    /// The brokers there were when the cluster was last asked about them, at the latest when the client was built.
    /// Right after that it is what the bootstrap server said; later on any broker may have been asked.
    pub fn last_known(&self) -> ClusterDescription {
        let snapshot = self.cluster.snapshot();
        let mut brokers: Vec<BrokerDescription> = snapshot
            .brokers
            .values()
            .map(|broker| BrokerDescription {
                id: broker.id,
                host: broker.address.host.clone(),
                port: broker.address.port,
                rack: broker.rack.clone(),
            })
            .collect();
        brokers.sort_by_key(|broker| broker.id);
        ClusterDescription {
            cluster_id: snapshot.cluster_id.clone(),
            controller: snapshot.controller,
            brokers,
        }
    }

    /// The log directories of every broker.
    pub async fn log_dirs(&self) -> Result<Vec<LogDir>> {
        let mut dirs = Vec::new();
        for broker in self.describe().await?.brokers {
            let request = DescribeLogDirsRequest::default().with_topics(None);
            let response = self.cluster.call_broker(broker.id, &request).await?;
            let what = format!("reading the log directories of broker {}", broker.id);
            check(response.error_code, &what, None)?;
            dirs.extend(read_dirs(broker.id, &response));
        }
        Ok(dirs)
    }

    /// The idempotent producers a partition remembers.
    pub async fn producers(&self, topic: &str, partition: i32) -> Result<Vec<ProducerState>> {
        let what = format!("reading the producers of {topic:?} partition {partition}");
        let leader = self.cluster.ask_topic(topic).await?.leader(partition);
        let leader =
            leader.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{what}: it has no leader")))?;
        let asked = TopicRequest::default()
            .with_name(topic_name(topic))
            .with_partition_indexes(vec![partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![asked]);
        let response = self.cluster.call_broker(leader, &request).await?;
        let result = response.topics.first().and_then(|topic| topic.partitions.first());
        let result = result.ok_or_else(|| left_out(&what))?;
        check(result.error_code, &what, result.error_message.as_deref())?;
        let producers = result.active_producers.iter().map(|producer| ProducerState {
            producer_id: producer.producer_id.0,
            epoch: producer.producer_epoch,
            last_sequence: producer.last_sequence,
            last_timestamp: producer.last_timestamp,
        });
        Ok(producers.collect())
    }

    /// The requests a broker serves, in order of their numbers.
    pub async fn api_versions(&self) -> Result<Vec<ApiRange>> {
        let connection = self.cluster.any_connection().await?;
        let ranges = connection.versions().ranges().into_iter().map(|(key, min, max)| {
            let name = ApiKey::try_from(key).map_or_else(|()| key.to_string(), |key| format!("{key:?}"));
            ApiRange { key, name, min, max }
        });
        Ok(ranges.collect())
    }
}

fn read_dirs(broker: i32, response: &DescribeLogDirsResponse) -> Vec<LogDir> {
    let known = |bytes: i64| (bytes >= 0).then_some(bytes);
    let dirs = response.results.iter().map(|dir| {
        let replicas = dir.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|partition| ReplicaSize {
                topic: topic.name.to_string(),
                partition: partition.partition_index,
                bytes: partition.partition_size,
                lag: partition.offset_lag,
            })
        });
        LogDir {
            broker,
            path: dir.log_dir.to_string(),
            error: check(dir.error_code, &format!("log directory {:?}", dir.log_dir), None).err(),
            total_bytes: known(dir.total_bytes),
            usable_bytes: known(dir.usable_bytes),
            replicas: replicas.collect(),
        }
    });
    dirs.collect()
}
