//! The facts that the control plane asks of this broker.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidemill_broker::group::{GroupDescription, MemberDescription, MemberDetail, OFFSETS_TOPIC};
use tidemill_broker::{Broker, GroupPosition};
use tidemill_controller::http::Answered;
use tidemill_controller::live::{
    BrokerFacts, DeleteGroupError, GroupFacts, GroupsLoading, Live, PartitionFacts,
};
use tidemill_env::BoxFuture;
use tidemill_resource::{ConsumerGroupSpec, ConsumerGroupStatus, GroupMember, GroupOffset};
use tidemill_wire::kafka::error::ResponseError;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) struct Facts {
    broker: Arc<Broker>,
    /// Whether the logs that were there at the start have been looked at.
    recovered: AtomicBool,
}

impl Live for Facts {
    fn partition(&self, topic: Uuid, index: u32) -> Option<PartitionFacts> {
        let index = i32::try_from(index).ok()?;
        let Some(partition) = self.broker.partitions.get(topic, index) else {
            let failed = self.broker.host.refused(topic, index)?;
            return Some(PartitionFacts {
                failed: Some(failed),
                ..PartitionFacts::default()
            });
        };
        let offsets = partition.offsets();
        Some(PartitionFacts {
            log_start_offset: offsets.log_start,
            high_watermark: offsets.high_watermark,
            size_bytes: partition.size_bytes(),
            failed: partition.failed(),
        })
    }

    fn topics_on_disk(&self) -> BTreeSet<Uuid> {
        self.broker.host.topics_on_disk()
    }

    fn broker(&self, id: i32) -> Option<BrokerFacts> {
        let all = self.broker.partitions.all();
        (id == self.broker.config.node_id).then(|| BrokerFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            log_size: tidemill_resource::ByteSize(
                all.iter().map(|partition| partition.size_bytes()).sum::<u64>(),
            ),
            not_ready: self.not_ready(),
        })
    }

    fn chain_failure(&self, id: Uuid) -> Option<String> {
        self.broker.transforms.failure(id)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.broker.host.changes()
    }

    fn not_ready(&self) -> Vec<String> {
        let failed = |partition: &Arc<tidemill_partition::Partition>| {
            partition
                .failed()
                .map(|reason| format!("{}: {reason}", partition.name()))
        };
        if !self.recovered.load(Ordering::Acquire) {
            return vec!["the logs are being recovered".to_owned()];
        }
        let mut reasons: Vec<String> = self.broker.partitions.all().iter().filter_map(failed).collect();
        reasons.extend(self.broker.host.not_open());
        reasons
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<GroupFacts>, GroupsLoading>> {
        Box::pin(async {
            let groups = self.broker.groups.groups_overview().map_err(|_| GroupsLoading)?;
            let facts = groups.iter().map(|group| self.facts_of(&group.id));
            // One that went meanwhile is left out.
            facts.filter_map(Result::transpose).collect()
        })
    }

    fn group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<GroupFacts>, GroupsLoading>> {
        Box::pin(async move { self.facts_of(id) })
    }

    fn delete_group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), DeleteGroupError>> {
        Box::pin(async move {
            let deleted = self.broker.groups.delete_group(id).await;
            // Groups live in a topic that the first of them makes.
            let any = self.broker.metadata.image().topic(OFFSETS_TOPIC).is_some();
            deleted.map_err(|error| match error {
                ResponseError::NotCoordinator if !any => DeleteGroupError::NotFound(id.to_owned()),
                ResponseError::GroupIdNotFound => DeleteGroupError::NotFound(id.to_owned()),
                ResponseError::NonEmptyGroup => DeleteGroupError::NotEmpty(id.to_owned()),
                other => DeleteGroupError::Unavailable {
                    id: id.to_owned(),
                    reason: other.to_string(),
                },
            })
        })
    }

    fn answered(&self, request: &Answered<'_>) {
        self.broker
            .metrics
            .http_answered(request.route, request.method, request.status, request.took);
    }

    fn metrics(&self) -> String {
        self.broker.metrics_page()
    }
}

impl Facts {
    /// Facts of a broker that has yet to open its logs.
    pub(crate) fn new(broker: Arc<Broker>) -> Self {
        Self {
            broker,
            recovered: AtomicBool::new(false),
        }
    }

    /// Every log that could be opened is open.
    pub(crate) fn recovered(&self) {
        self.recovered.store(true, Ordering::Release);
    }

    fn facts_of(&self, id: &str) -> Result<Option<GroupFacts>, GroupsLoading> {
        match self.broker.groups.describe(id) {
            Ok(described) => Ok(described.map(|described| self.facts_from(id, described))),
            // Groups live in a topic that the first of them makes: without it there are none.
            Err(_) if self.broker.metadata.image().topic(OFFSETS_TOPIC).is_none() => Ok(None),
            Err(_) => Err(GroupsLoading),
        }
    }

    fn facts_from(&self, id: &str, described: GroupDescription) -> GroupFacts {
        let image = self.broker.metadata.image();
        let name = |topic: Uuid| image.topic_by_id(topic).map(|topic| topic.name.clone());
        let positions = self.broker.group_positions(id);
        let member = |member: MemberDescription| GroupMember {
            partitions: match member.detail {
                // The bytes of the classic protocol are the clients' own.
                MemberDetail::Classic { .. } => Vec::new(),
                MemberDetail::Consumer { assigned, .. } => {
                    let named = assigned
                        .into_iter()
                        .filter_map(|(topic, indexes)| Some((name(topic)?, indexes)));
                    named
                        .flat_map(|(topic, indexes)| {
                            indexes.into_iter().map(move |index| format!("{topic}-{index}"))
                        })
                        .collect()
                }
            },
            member_id: member.id,
            instance_id: member.instance_id,
            client_id: member.client_id,
            host: member.client_host,
        };
        let offset = |position: &GroupPosition| GroupOffset {
            topic: position.topic.clone(),
            partition: u32::try_from(position.partition).unwrap_or(0),
            committed: position.committed,
            lag: position.lag,
        };
        GroupFacts {
            id: id.to_owned(),
            spec: ConsumerGroupSpec {
                protocol: described.overview.group_type.to_owned(),
            },
            status: ConsumerGroupStatus {
                state: described.overview.state.to_owned(),
                assignor: Some(described.assignor).filter(|assignor| !assignor.is_empty()),
                coordinator: self.broker.config.node_id,
                members: described.members.into_iter().map(member).collect(),
                total_lag: positions.iter().filter_map(|position| position.lag).sum(),
                offsets: positions.iter().map(offset).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tidemill_controller::cluster::Cluster;
    use tidemill_env::Env;

    use super::*;
    use crate::config::ServerConfig;

    #[tokio::test]
    async fn a_server_is_not_ready_before_its_logs_are_recovered() {
        let dir = tempfile::tempdir().unwrap();
        let (env, any) = (Env::real(), SocketAddr::from(([127, 0, 0, 1], 1)));
        let config = ServerConfig {
            data_dir: dir.path().to_owned(),
            ..ServerConfig::default()
        };
        let cluster = Cluster::open(&env, dir.path().join("metadata")).await.unwrap();
        let (modules, _) = crate::modules::open(&env, &config).unwrap();
        let broker = crate::start::open_broker(&env, &config, (&cluster, &modules), (any, any)).unwrap();
        let facts = Facts::new(broker);
        assert_eq!(facts.not_ready(), ["the logs are being recovered"]);
        assert_eq!(facts.broker(config.node_id).unwrap().not_ready, facts.not_ready());
        facts.recovered();
        assert!(facts.not_ready().is_empty());
    }
}
