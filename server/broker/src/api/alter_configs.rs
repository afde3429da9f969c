//! AlterConfigs: replaces all settings of topics. Clients of today send IncrementalAlterConfigs.

use std::collections::{BTreeMap, BTreeSet};

use tidemill_metadata::{Command, Reply, TopicKey};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::alter_configs_request::AlterConfigsResource;
use tidemill_wire::kafka::messages::alter_configs_response::AlterConfigsResourceResponse;
use tidemill_wire::kafka::messages::{AlterConfigsRequest, AlterConfigsResponse};

use uuid::Uuid;

use super::Cx;
use super::describe_configs::TOPIC;
use crate::errors::Failure;

pub(super) async fn handle(cx: &Cx, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    let again = again(
        request
            .resources
            .iter()
            .map(|one| (one.resource_type, &*one.resource_name)),
    );
    for resource in request.resources {
        let response = AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        let named = (resource.resource_type, resource.resource_name.to_string());
        let altered = match again.contains(&named) {
            true => Err(twice(&named.1)),
            false => replace(cx, resource, request.validate_only).await,
        };
        responses.push(match altered {
            Ok(()) => response,
            Err(failure) => response
                .with_error_code(failure.code)
                .with_error_message(failure.text()),
        });
    }
    AlterConfigsResponse::default().with_responses(responses)
}

async fn replace(cx: &Cx, resource: AlterConfigsResource, validate: bool) -> Result<(), Failure> {
    check_kind(resource.resource_type)?;
    refuse_view(cx, &resource.resource_name)?;
    let mut configs = BTreeMap::new();
    for config in resource.configs {
        let Some(value) = config.value else {
            let message = format!("{} has no value: give one, or leave it out", &*config.name);
            return Err(Failure::new(ResponseError::InvalidRequest, message));
        };
        configs.insert(config.name.to_string(), value.to_string());
    }
    let topic = TopicKey::named(resource.resource_name.to_string());
    propose(cx, Command::ReplaceTopicConfigs { topic, configs }, validate).await
}

/// Only topics have settings that can be changed while the server runs.
pub(super) fn check_kind(resource_type: i8) -> Result<(), Failure> {
    if resource_type == TOPIC {
        return Ok(());
    }
    let message = "only configs of topics can be changed here: a broker's are in its settings file";
    Err(Failure::new(ResponseError::InvalidRequest, message))
}

/// A view has no settings of its own.
pub(super) fn refuse_view(cx: &Cx, name: &str) -> Result<(), Failure> {
    let instead = "its configs are the topic's; change those";
    cx.broker.refuse_view(name, Uuid::nil(), instead)
}

/// Changes a topic's settings; they are in force when this returns.
pub(super) async fn propose(cx: &Cx, command: Command, validate: bool) -> Result<(), Failure> {
    if validate {
        return cx
            .broker
            .metadata
            .validate(&command)
            .map(drop)
            .map_err(Failure::from);
    }
    if let Reply::Topic(topic) = cx.broker.metadata.propose(command).await? {
        cx.broker.host.adopt_settings(&topic);
    }
    Ok(())
}

/// The resources that a request names more than once, of which none is changed.
pub(super) fn again<'a>(resources: impl Iterator<Item = (i8, &'a str)>) -> BTreeSet<(i8, String)> {
    let mut seen = BTreeSet::new();
    let again = resources.filter(|named| !seen.insert(*named));
    again.map(|(kind, name)| (kind, name.to_owned())).collect()
}

/// What is told of one of them.
pub(super) fn twice(name: &str) -> Failure {
    let message = format!("the request names {name:?} more than once: name it once");
    Failure::new(ResponseError::InvalidRequest, message)
}
