//! Metadata: brokers, topics, who leads what.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tidemill_metadata::{Command, ProposeError, Reason, TopicImage};
use tidemill_resource::TopicSpec;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::metadata_request::MetadataRequestTopic;
use tidemill_wire::kafka::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use tidemill_wire::kafka::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use tidemill_wire::kafka::protocol::StrBytes;
use uuid::Uuid;

use super::{Cx, authorized};
use crate::visible::Visible;

/// How long an answer waits for a topic that it made itself.
const OPENED_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn handle(cx: &Cx, request: MetadataRequest) -> MetadataResponse {
    let operations = match (8..=10).contains(&cx.version) {
        true => authorized::on_cluster(request.include_cluster_authorized_operations),
        false => authorized::NOT_TOLD,
    };
    let asked = request.include_topic_authorized_operations;
    // Before version 1, no topics meant all of them.
    let all = request
        .topics
        .as_ref()
        .is_none_or(|topics| topics.is_empty() && cx.version == 0);
    let topics = if all {
        let image = cx.broker.metadata.image();
        Visible::all(&image)
            .iter()
            .map(|visible| describe(cx, visible, asked))
            .collect()
    } else {
        let create =
            cx.broker.config.auto_create_topics && (cx.version < 4 || request.allow_auto_topic_creation);
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut asked_for = request.topics.unwrap_or_default();
        // A topic that is asked for twice is told once.
        asked_for.retain(|wanted| seen.insert((wanted.topic_id, wanted.name.clone())));
        for wanted in asked_for {
            found.push(find(cx, wanted, create, asked).await);
        }
        found
    };
    let image = cx.broker.metadata.image();
    MetadataResponse::default()
        .with_brokers(brokers(cx))
        .with_cluster_id(Some(StrBytes::from_string(image.cluster_id.to_string())))
        .with_controller_id(BrokerId(cx.broker.config.node_id))
        .with_topics(topics)
        .with_cluster_authorized_operations(operations)
}

fn brokers(cx: &Cx) -> Vec<MetadataResponseBroker> {
    let told = cx.broker.endpoints().into_iter().map(|(id, host, port)| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(id))
            .with_host(StrBytes::from_string(host))
            .with_port(i32::from(port))
    });
    told.collect()
}

async fn find(cx: &Cx, wanted: MetadataRequestTopic, create: bool, asked: bool) -> MetadataResponseTopic {
    let name = wanted
        .name
        .as_ref()
        .map(|name| name.to_string())
        .unwrap_or_default();
    if let Some(visible) = cx.broker.visible(&name, wanted.topic_id) {
        return describe(cx, &visible, asked);
    }
    let unknown = if wanted.topic_id.is_nil() {
        ResponseError::UnknownTopicOrPartition
    } else {
        ResponseError::UnknownTopicId
    };
    let error = match create && wanted.topic_id.is_nil() {
        false => unknown,
        true => match make(cx, &name).await {
            Ok(()) => match made(cx, &name).await {
                Some(topic) => return describe(cx, &Visible::from(&topic), asked),
                None => ResponseError::LeaderNotAvailable,
            },
            Err(error) => error,
        },
    };
    MetadataResponseTopic::default()
        .with_error_code(error.code())
        // Versions before 12 have no null there.
        .with_name(wanted.name.or_else(|| (cx.version < 12).then(TopicName::default)))
        .with_topic_id(wanted.topic_id)
        .with_topic_authorized_operations(authorized::NOT_TOLD)
}

/// The topic just made, once it can be written to. Clients that take a partition without a leader for one at no
/// address (kafka-go) are told of none until then.
async fn made(cx: &Cx, name: &str) -> Option<Arc<TopicImage>> {
    let topic = cx.broker.topic(name, Uuid::nil())?;
    let open = cx
        .broker
        .host
        .wait_open(&cx.broker, topic.id, OPENED_WITHIN)
        .await;
    open.then_some(topic)
}

async fn make(cx: &Cx, name: &str) -> Result<(), ResponseError> {
    let spec = TopicSpec {
        partitions: cx.broker.config.default_partitions,
        ..TopicSpec::default()
    };
    let command = Command::CreateTopic {
        name: name.to_owned(),
        id: cx.broker.new_uuid(),
        spec,
        labels: Default::default(),
        annotations: Default::default(),
        assignments: None,
        internal: false,
        at_ms: cx.broker.env.clock.wall_ms(),
    };
    match cx.broker.metadata.propose(command).await {
        Ok(_) => Ok(()),
        Err(ProposeError::Rejected(rejection)) if rejection.reason == Reason::TopicExists => Ok(()),
        Err(ProposeError::Rejected(_)) => Err(ResponseError::InvalidTopicException),
        Err(ProposeError::Unavailable(_)) => Err(ResponseError::LeaderNotAvailable),
    }
}

fn describe(cx: &Cx, visible: &Visible, asked: bool) -> MetadataResponseTopic {
    let topic = &visible.topic;
    let partitions = (0..).zip(topic.partitions.iter()).map(|(index, partition)| {
        // A leader that has not opened the partition yet cannot serve it: clients ask again.
        let here = partition.leader == cx.broker.config.node_id;
        let ready = !here || cx.broker.partition(topic, index).is_some();
        let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
        MetadataResponsePartition::default()
            .with_error_code(if ready {
                0
            } else {
                ResponseError::LeaderNotAvailable.code()
            })
            .with_partition_index(index)
            .with_leader_id(BrokerId(if ready { partition.leader } else { -1 }))
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(ids(&partition.replicas))
            .with_isr_nodes(ids(&partition.isr))
    });
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(visible.name().to_owned()))))
        .with_topic_id(visible.id())
        .with_is_internal(visible.internal())
        .with_partitions(partitions.collect())
        .with_topic_authorized_operations(authorized::on_topic(asked && cx.version >= 8))
}
