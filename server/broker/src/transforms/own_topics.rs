//! Topics that transforms write to. Anybody may read them; the server alone writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidemill_metadata::{Command, ProposeError, Reason};
use tidemill_partition::Partition;
use tidemill_resource::TopicSpec;
use tidemill_wire::kafka::error::ResponseError;
use uuid::Uuid;

use crate::broker::Broker;
use crate::errors::Failure;

/// How long a topic that was just made may take to open.
const OPENED_WITHIN: Duration = Duration::from_secs(5);

/// Stores a batch in partition 0 of a topic of the server's own, which is made if there is none; durable, as far as the
/// topic is, when this returns.
pub(super) async fn append(broker: &Broker, name: &str, batch: Bytes) -> Result<(), Failure> {
    let partition = open(broker, name).await?;
    let accepted = partition.append(batch).await?;
    accepted
        .commit
        .await
        .map_err(tidemill_partition::AppendError::from)?;
    Ok(())
}

async fn open(broker: &Broker, name: &str) -> Result<Arc<Partition>, Failure> {
    let not_open = || {
        let message = format!("topic {name:?} of the server's own is not open; try again");
        Failure::new(ResponseError::KafkaStorageError, message)
    };
    if broker.topic(name, Uuid::nil()).is_none() {
        make(broker, name).await?;
    }
    let topic = broker.topic(name, Uuid::nil()).ok_or_else(not_open)?;
    if let Some(partition) = broker.partition(&topic, 0) {
        return Ok(partition);
    }
    broker.host.wait_open(broker, topic.id, OPENED_WITHIN).await;
    broker.partition(&topic, 0).ok_or_else(not_open)
}

async fn make(broker: &Broker, name: &str) -> Result<(), Failure> {
    // A dead letter is as large as a record may be, and some headers.
    let configs = BTreeMap::from([("max.message.bytes".to_owned(), (64 << 20).to_string())]);
    let spec = TopicSpec::from_configs(1, 1, configs)
        .map_err(|error| Failure::new(ResponseError::InvalidConfig, error.to_string()))?;
    let command = Command::CreateTopic {
        name: name.to_owned(),
        id: broker.new_uuid(),
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        assignments: None,
        internal: true,
        at_ms: broker.env.clock.wall_ms(),
    };
    match broker.metadata.propose(command).await {
        // Another one was first: that is as good.
        Err(ProposeError::Rejected(rejection)) if rejection.reason == Reason::TopicExists => Ok(()),
        other => other.map(drop).map_err(Failure::from),
    }
}
