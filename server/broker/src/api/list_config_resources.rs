//! ListConfigResources: what has configs (KIP-1142; version 0 asked for client metrics alone, KIP-1000).

use tidemill_wire::kafka::error::ResponseError;
use tidemill_wire::kafka::messages::list_config_resources_response::ConfigResource;
use tidemill_wire::kafka::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use tidemill_wire::kafka::protocol::StrBytes;

use super::Cx;
use super::describe_configs::{BROKER, TOPIC};

/// Kinds of which there are none here, but which may be asked for.
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

const KINDS: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub(super) fn handle(cx: &Cx, request: ListConfigResourcesRequest) -> ListConfigResourcesResponse {
    let response = ListConfigResourcesResponse::default();
    let kinds = match (cx.version, request.resource_types) {
        (0, _) => vec![CLIENT_METRICS],
        (_, kinds) if kinds.is_empty() => KINDS.to_vec(),
        (_, kinds) => kinds,
    };
    if kinds.iter().any(|kind| !KINDS.contains(kind)) {
        return response.with_error_code(ResponseError::UnsupportedVersion.code());
    }
    let resource = |kind, name: String| {
        ConfigResource::default()
            .with_resource_type(kind)
            .with_resource_name(StrBytes::from_string(name))
    };
    let mut resources = Vec::new();
    if kinds.contains(&TOPIC) {
        let image = cx.broker.metadata.image();
        resources.extend(image.topics().map(|topic| resource(TOPIC, topic.name.clone())));
    }
    if kinds.contains(&BROKER) {
        let ids = cx.broker.endpoints().into_iter().map(|(id, _, _)| id);
        resources.extend(ids.map(|id| resource(BROKER, id.to_string())));
    }
    response.with_config_resources(resources)
}
