//! The facts that the control plane asks of this broker.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidemill_broker::Broker;
use tidemill_controller::live::{BrokerFacts, DeleteGroupError, GroupFacts, Live, PartitionFacts};
use tidemill_env::BoxFuture;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) struct Facts {
    pub(crate) broker: Arc<Broker>,
}

impl Live for Facts {
    fn partition(&self, topic: Uuid, index: u32) -> Option<PartitionFacts> {
        let partition = self.broker.partitions.get(topic, i32::try_from(index).ok()?)?;
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

    fn changes(&self) -> watch::Receiver<u64> {
        self.broker.host.changes()
    }

    fn not_ready(&self) -> Vec<String> {
        let failed = |partition: &Arc<tidemill_partition::Partition>| {
            partition
                .failed()
                .map(|reason| format!("{}: {reason}", partition.name()))
        };
        self.broker.partitions.all().iter().filter_map(failed).collect()
    }

    fn groups(&self) -> BoxFuture<'_, Vec<GroupFacts>> {
        Box::pin(async { Vec::new() })
    }

    fn group<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Option<GroupFacts>> {
        Box::pin(async { None })
    }

    fn delete_group<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), DeleteGroupError>> {
        Box::pin(async move { Err(DeleteGroupError::NotFound(id.to_owned())) })
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, self.broker.metrics.registry());
        text
    }
}
