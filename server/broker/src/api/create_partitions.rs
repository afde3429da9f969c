//! CreatePartitions. The answer comes once the new partitions can be written to.

use std::time::Duration;

use tidemill_metadata::{Command, Reply, TopicKey};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::create_partitions_request::CreatePartitionsTopic;
use tidemill_wire::kafka::messages::create_partitions_response::CreatePartitionsTopicResult;
use tidemill_wire::kafka::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use uuid::Uuid;

use super::Cx;
use super::repeats::{Named, Repeats};
use crate::errors::Failure;

pub(super) async fn handle(cx: &Cx, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let mut results = Vec::with_capacity(request.topics.len());
    let mut repeats = Repeats::among(request.topics.iter().map(|topic| &**topic.name));
    for topic in request.topics {
        let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
        let added = match repeats.named(&topic.name) {
            Named::Once => add(cx, topic, request.validate_only, timeout).await,
            Named::Twice(failure) => Err(failure),
            Named::Told => continue,
        };
        results.push(match added {
            Ok(()) => result,
            Err(failure) => result
                .with_error_code(failure.code)
                .with_error_message(failure.text()),
        });
    }
    CreatePartitionsResponse::default().with_results(results)
}

async fn add(
    cx: &Cx,
    topic: CreatePartitionsTopic,
    validate: bool,
    timeout: Duration,
) -> Result<(), Failure> {
    let instead = "it has the topic's partitions; give that one more";
    cx.broker.refuse_view(&topic.name, Uuid::nil(), instead)?;
    let total = u32::try_from(topic.count).map_err(|_| {
        Failure::new(
            ResponseError::InvalidPartitions,
            "a topic has 1 partition or more",
        )
    })?;
    let replicas = |assignments: Vec<
        tidemill_wire::kafka::messages::create_partitions_request::CreatePartitionsAssignment,
    >| {
        assignments
            .into_iter()
            .map(|one| one.broker_ids.into_iter().map(|id| id.0).collect())
            .collect()
    };
    let command = Command::AddPartitions {
        topic: TopicKey::named(topic.name.to_string()),
        total,
        assignments: topic.assignments.map(replicas),
    };
    if validate {
        return cx
            .broker
            .metadata
            .validate(&command)
            .map(drop)
            .map_err(Failure::from);
    }
    let reply = cx.broker.metadata.propose(command).await?;
    if let Reply::Topic(topic) = &reply
        && !cx.broker.host.wait_open(&cx.broker, topic.id, timeout).await
    {
        let message = format!(
            "partitions were added to {:?} and are still being opened",
            topic.name
        );
        return Err(Failure::new(ResponseError::RequestTimedOut, message));
    }
    Ok(())
}
