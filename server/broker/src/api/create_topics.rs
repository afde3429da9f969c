//! CreateTopics. The answer comes once the topic can be written to.

use std::collections::BTreeMap;
use std::time::Duration;

use tidemill_metadata::{Command, Reply};
use tidemill_resource::TopicSpec;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::create_topics_request::CreatableTopic;
use tidemill_wire::kafka::messages::create_topics_response::CreatableTopicResult;
use tidemill_wire::kafka::messages::{CreateTopicsRequest, CreateTopicsResponse};

use super::Cx;
use crate::errors::Failure;

pub(super) async fn handle(cx: &Cx, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let result = CreatableTopicResult::default().with_name(topic.name.clone());
        results.push(match create(cx, topic, request.validate_only, timeout).await {
            Ok(Reply::Topic(topic)) => result
                .with_topic_id(if request.validate_only {
                    uuid::Uuid::nil()
                } else {
                    topic.id
                })
                .with_num_partitions(i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX))
                .with_replication_factor(i16::try_from(topic.spec.replication_factor).unwrap_or(i16::MAX))
                .with_configs(Some(Vec::new())),
            Ok(_) => result,
            Err(failure) => result
                .with_error_code(failure.code)
                .with_error_message(failure.text()),
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

async fn create(cx: &Cx, topic: CreatableTopic, validate: bool, timeout: Duration) -> Result<Reply, Failure> {
    let command = command(cx, topic)?;
    if validate {
        return cx.broker.metadata.validate(&command).map_err(Failure::from);
    }
    let reply = cx.broker.metadata.propose(command).await?;
    if let Reply::Topic(topic) = &reply
        && !cx.broker.host.wait_open(&cx.broker, topic.id, timeout).await
    {
        let message = format!(
            "topic {:?} was created and its partitions are still being opened",
            topic.name
        );
        return Err(Failure::new(ResponseError::RequestTimedOut, message));
    }
    Ok(reply)
}

fn command(cx: &Cx, topic: CreatableTopic) -> Result<Command, Failure> {
    let invalid = |error: ResponseError, message: &str| Failure::new(error, message);
    // -1 asks for the broker's default.
    let partitions = match topic.num_partitions {
        -1 if !topic.assignments.is_empty() => topic.assignments.len() as u32,
        -1 => cx.broker.config.default_partitions,
        asked => u32::try_from(asked).map_err(|_| {
            invalid(
                ResponseError::InvalidPartitions,
                "a topic has 1 partition or more",
            )
        })?,
    };
    let replication = match topic.replication_factor {
        -1 => topic
            .assignments
            .first()
            .map_or(1, |first| first.broker_ids.len() as u16),
        asked => u16::try_from(asked).map_err(|_| {
            invalid(
                ResponseError::InvalidReplicationFactor,
                "the replication factor is 1 or more",
            )
        })?,
    };
    let mut configs = BTreeMap::new();
    for config in topic.configs {
        if let Some(value) = config.value {
            configs.insert(config.name.to_string(), value.to_string());
        }
    }
    let spec = TopicSpec::from_configs(partitions, replication, configs)
        .map_err(|error| Failure::new(ResponseError::InvalidConfig, error.to_string()))?;
    let assignments = (!topic.assignments.is_empty()).then(|| {
        let mut assignments = topic.assignments;
        assignments.sort_by_key(|assignment| assignment.partition_index);
        assignments
            .iter()
            .map(|one| one.broker_ids.iter().map(|id| id.0).collect())
            .collect()
    });
    Ok(Command::CreateTopic {
        name: topic.name.to_string(),
        id: cx.broker.new_uuid(),
        spec,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        assignments,
        internal: false,
        at_ms: cx.broker.env.clock.wall_ms(),
    })
}
