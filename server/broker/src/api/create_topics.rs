//! CreateTopics. The answer comes once the topic can be written to.

use std::collections::BTreeMap;
use std::time::Duration;

use tidemill_metadata::{Command, Reply};
use tidemill_resource::TopicSpec;
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use tidemill_wire::kafka::messages::create_topics_response::CreatableTopicResult;
use tidemill_wire::kafka::messages::{CreateTopicsRequest, CreateTopicsResponse};

use super::Cx;
use super::repeats::{Named, Repeats};
use crate::errors::Failure;

pub(super) async fn handle(cx: &Cx, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let mut results = Vec::with_capacity(request.topics.len());
    let mut repeats = Repeats::among(request.topics.iter().map(|topic| &**topic.name));
    for topic in request.topics {
        let result = CreatableTopicResult::default().with_name(topic.name.clone());
        let made = match repeats.named(&topic.name) {
            Named::Once => create(cx, topic, request.validate_only, timeout).await,
            Named::Twice(failure) => Err(failure),
            Named::Told => continue,
        };
        results.push(match made {
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
    let by_hand = !topic.assignments.is_empty();
    if by_hand && (topic.num_partitions, topic.replication_factor) != (-1, -1) {
        let message = "partitions are counted and placed at once: with assignments, both counts are -1";
        return Err(invalid(ResponseError::InvalidRequest, message));
    }
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
            .map_or(1, |first| first.broker_ids.len().max(1) as u16),
        asked => u16::try_from(asked).map_err(|_| {
            invalid(
                ResponseError::InvalidReplicationFactor,
                "the replication factor is 1 or more",
            )
        })?,
    };
    let mut configs = BTreeMap::new();
    for config in topic.configs {
        let Some(value) = config.value else {
            let message = format!("{} has no value: give one, or leave it out", &*config.name);
            return Err(Failure::new(ResponseError::InvalidConfig, message));
        };
        configs.insert(config.name.to_string(), value.to_string());
    }
    let spec = TopicSpec::from_configs(partitions, replication, configs)
        .map_err(|error| Failure::new(ResponseError::InvalidConfig, error.to_string()))?;
    let assignments = placed(topic.assignments)?;
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

/// The replicas of each partition, as the request places them by hand.
fn placed(mut assignments: Vec<CreatableReplicaAssignment>) -> Result<Option<Vec<Vec<i32>>>, Failure> {
    assignments.sort_by_key(|assignment| assignment.partition_index);
    let numbers = assignments.iter().map(|assignment| assignment.partition_index);
    if !numbers.eq((0..).take(assignments.len())) {
        let message = "partitions are placed by hand from 0 on, each once";
        return Err(Failure::new(ResponseError::InvalidReplicaAssignment, message));
    }
    if assignments
        .iter()
        .any(|assignment| assignment.broker_ids.is_empty())
    {
        let message = "a partition is placed on no broker";
        return Err(Failure::new(ResponseError::InvalidReplicaAssignment, message));
    }
    let brokers = assignments
        .iter()
        .map(|one| one.broker_ids.iter().map(|id| id.0).collect());
    let brokers: Vec<Vec<i32>> = brokers.collect();
    Ok((!brokers.is_empty()).then_some(brokers))
}
