//! [`Topics`] over the metadata image, and the making of the offsets topic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidemill_env::Env;
use tidemill_metadata::{Command, Image, Metadata, ProposeError, Reason};
use tidemill_partition::Partitions;
use tidemill_resource::TopicSpec;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::partition_log::PartitionLog;
use super::topics::{TopicInfo, TopicSource, Topics};
use super::{Coordinator, GroupConfig, OFFSETS_TOPIC};
use crate::visible::Visible;

/// The newest image.
struct ImageSource(Metadata);

/// One image.
struct ImageTopics(Arc<Image>);

/// A view is to a group what a topic is.
fn info(visible: &Visible) -> TopicInfo {
    TopicInfo {
        id: visible.id(),
        partitions: i32::try_from(visible.topic.partition_count()).unwrap_or(i32::MAX),
    }
}

impl TopicSource for ImageSource {
    fn current(&self) -> Arc<dyn Topics> {
        Arc::new(ImageTopics(self.0.image()))
    }
}

impl Topics for ImageTopics {
    fn version(&self) -> u64 {
        self.0.version
    }

    fn topic(&self, name: &str) -> Option<TopicInfo> {
        Visible::named(&self.0, name).map(|visible| info(&visible))
    }

    fn name_of(&self, id: Uuid) -> Option<String> {
        Visible::with_id(&self.0, id).map(|visible| visible.name().to_owned())
    }

    fn each(&self, visit: &mut dyn FnMut(&str, TopicInfo)) {
        for visible in Visible::all(&self.0).iter().filter(|visible| !visible.internal()) {
            visit(visible.name(), info(visible));
        }
    }
}

impl Coordinator {
    /// A coordinator over the partitions hosted here.
    #[must_use]
    pub fn over(env: &Env, config: GroupConfig, metadata: &Metadata, partitions: &Arc<Partitions>) -> Self {
        let log = PartitionLog {
            env: env.clone(),
            metadata: metadata.clone(),
            partitions: Arc::clone(partitions),
        };
        Self::new(
            env.clone(),
            config,
            Arc::new(log),
            Arc::new(ImageSource(metadata.clone())),
        )
    }

    /// [`Coordinator::run`], following the metadata.
    pub async fn follow(self: Arc<Self>, metadata: Metadata, stop: CancellationToken) {
        self.run(metadata.watch(), stop).await;
    }

    /// Makes the offsets topic if there is none, and waits until `group` is served here.
    /// Answers whether it is.
    pub(crate) async fn prepare(&self, metadata: &Metadata, group: &str, limit: Duration) -> bool {
        if metadata.image().topic(OFFSETS_TOPIC).is_none()
            && let Err(error) = self.make_topic(metadata).await
        {
            tracing::warn!(%error, "the topic {OFFSETS_TOPIC} could not be made; it is tried again when asked for");
            return false;
        }
        self.ready(group, limit).await
    }

    async fn make_topic(&self, metadata: &Metadata) -> Result<(), ProposeError> {
        let configs = BTreeMap::from([
            ("cleanup.policy".to_owned(), "compact".to_owned()),
            (
                "segment.bytes".to_owned(),
                self.config.offsets_segment_bytes.to_string(),
            ),
            // A large group is one large record.
            ("max.message.bytes".to_owned(), (64 << 20).to_string()),
        ]);
        let partitions = u32::try_from(self.config.offsets_partitions.max(1)).unwrap_or(1);
        let replication = u16::try_from(self.config.offsets_replication.max(1)).unwrap_or(1);
        let spec = TopicSpec::from_configs(partitions, replication, configs)
            .map_err(|error| ProposeError::Unavailable(error.to_string()))?;
        let command = Command::CreateTopic {
            name: OFFSETS_TOPIC.to_owned(),
            id: Uuid::from_bytes(self.env.random.uuid_bytes()),
            spec,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            assignments: None,
            internal: true,
            at_ms: self.env.clock.wall_ms(),
        };
        match metadata.propose(command).await {
            // Another request was first: that is as good.
            Err(ProposeError::Rejected(rejection)) if rejection.reason == Reason::TopicExists => Ok(()),
            other => other.map(drop),
        }
    }
}
