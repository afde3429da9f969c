//! DeleteTopics, by name or by id.

use tidemill_metadata::{Command, TopicKey};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::delete_topics_request::DeleteTopicState;
use tidemill_wire::kafka::messages::delete_topics_response::DeletableTopicResult;
use tidemill_wire::kafka::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use uuid::Uuid;

use super::Cx;
use super::repeats::{Named, Repeats};
use crate::errors::Failure;

pub(super) async fn handle(cx: &Cx, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    // Versions up to 5 list names alone.
    let named = request.topic_names.into_iter();
    let named = named.map(|name| DeleteTopicState::default().with_name(Some(name)));
    let topics: Vec<DeleteTopicState> = named.chain(request.topics).collect();
    let mut repeats = Repeats::among(topics.iter().filter_map(|topic| Some(&***topic.name.as_ref()?)));
    let mut responses = Vec::new();
    for topic in topics {
        let result = DeletableTopicResult::default();
        let deleted = match topic.name.as_ref().map(|name| repeats.named(name)) {
            Some(Named::Told) => continue,
            Some(Named::Twice(failure)) => Err(failure),
            None | Some(Named::Once) => delete(cx, &topic).await,
        };
        responses.push(match deleted {
            Ok((name, id)) => result
                .with_name(topic.name.or(Some(name.into())))
                .with_topic_id(id),
            Err(failure) => result
                .with_name(topic.name)
                .with_topic_id(topic.topic_id)
                .with_error_code(failure.code)
                .with_error_message(failure.text()),
        });
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

type Deleted = (tidemill_wire::kafka::protocol::StrBytes, Uuid);

async fn delete(cx: &Cx, topic: &DeleteTopicState) -> Result<Deleted, Failure> {
    if topic.name.is_some() != topic.topic_id.is_nil() {
        let message = "a topic to delete is given by its name or by its id, not by both or none";
        return Err(Failure::new(ResponseError::InvalidRequest, message));
    }
    let name = topic
        .name
        .as_ref()
        .map(|name| name.to_string())
        .unwrap_or_default();
    let instead = "delete the view itself (tidemill delete view)";
    cx.broker.refuse_view(&name, topic.topic_id, instead)?;
    let Some(found) = cx.broker.topic(&name, topic.topic_id) else {
        return Err(if topic.topic_id.is_nil() {
            Failure::unknown_topic(&name)
        } else {
            Failure::new(ResponseError::UnknownTopicId, "no topic has this id")
        });
    };
    let topic = TopicKey {
        name: found.name.clone(),
        id: Some(found.id),
        version: None,
    };
    let command = Command::DeleteTopic {
        topic,
        at_ms: cx.broker.env.clock.wall_ms(),
    };
    cx.broker.metadata.propose(command).await?;
    Ok((
        tidemill_wire::kafka::protocol::StrBytes::from_string(found.name.clone()),
        found.id,
    ))
}
