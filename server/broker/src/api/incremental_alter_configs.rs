//! IncrementalAlterConfigs: changes single settings of topics (KIP-339).

use std::collections::BTreeSet;

use tidemill_metadata::{Command, ConfigChange, ConfigOp, TopicKey};
use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use tidemill_wire::kafka::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use tidemill_wire::kafka::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::Cx;
use super::alter_configs::{again, check_kind, propose, refuse_view, twice};
use crate::errors::Failure;

pub(super) async fn handle(
    cx: &Cx,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
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
            false => alter(cx, resource, request.validate_only).await,
        };
        responses.push(match altered {
            Ok(()) => response,
            Err(failure) => response
                .with_error_code(failure.code)
                .with_error_message(failure.text()),
        });
    }
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

async fn alter(cx: &Cx, resource: AlterConfigsResource, validate: bool) -> Result<(), Failure> {
    check_kind(resource.resource_type)?;
    refuse_view(cx, &resource.resource_name)?;
    let mut seen = BTreeSet::new();
    if let Some(twice) = resource
        .configs
        .iter()
        .find(|config| !seen.insert(config.name.to_string()))
    {
        let message = format!("{} is named twice: name each config once", &*twice.name);
        return Err(Failure::new(ResponseError::InvalidRequest, message));
    }
    let changes: Result<Vec<ConfigChange>, Failure> = resource.configs.into_iter().map(change).collect();
    let topic = TopicKey::named(resource.resource_name.to_string());
    propose(
        cx,
        Command::AlterTopicConfigs {
            topic,
            changes: changes?,
        },
        validate,
    )
    .await
}

fn change(config: AlterableConfig) -> Result<ConfigChange, Failure> {
    let op = match config.config_operation {
        0 => ConfigOp::Set,
        1 => ConfigOp::Delete,
        2 => ConfigOp::Append,
        3 => ConfigOp::Subtract,
        other => {
            let message = format!("operation {other} on {} is unknown: use 0 to 3", &*config.name);
            return Err(Failure::new(ResponseError::InvalidRequest, message));
        }
    };
    if config.value.is_none() && !matches!(op, ConfigOp::Delete) {
        let message = format!("{} has no value: give one, or delete it", &*config.name);
        return Err(Failure::new(ResponseError::InvalidRequest, message));
    }
    Ok(ConfigChange {
        key: config.name.to_string(),
        op,
        value: config.value.map(|value| value.to_string()),
    })
}
