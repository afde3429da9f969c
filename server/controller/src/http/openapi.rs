//! The OpenAPI document, generated from the types that are served.

use axum::Json;
use serde_json::{Map, Value, json};
use tidemill_resource::{
    AttachedModule, BrokerSpec, BrokerStatus, Condition, ConditionStatus, ConsumerGroupSpec,
    ConsumerGroupStatus, Dedup, Endpoint, GroupMember, GroupOffset, Ingest, Kind, LookBackFields,
    ModuleCarrier, ModuleGrants, ModuleKind, ModuleLimits, ModuleParam, ModuleParamType, ModuleVersion,
    ModuleVersionSummary, ObjectMeta, OnError, PartitionSpec, PartitionStatus, Retention, Segment,
    SmartModuleSpec, SmartModuleStatus, TopicSpec, TopicStatus, Transform, ViewSpec, ViewStatus, diff,
};
use utoipa::OpenApi;

use super::apply::{Applied, ApplyResult, Summary};
use super::declare::Action;
use super::openapi_paths::{paths, reference};
use super::problem::{ProblemDocument, ProblemItem};

#[derive(OpenApi)]
#[openapi(components(schemas(
    Action,
    Applied,
    ApplyResult,
    AttachedModule,
    BrokerSpec,
    BrokerStatus,
    Condition,
    ConditionStatus,
    ConsumerGroupSpec,
    ConsumerGroupStatus,
    Dedup,
    Endpoint,
    GroupMember,
    GroupOffset,
    Ingest,
    Kind,
    LookBackFields,
    ModuleCarrier,
    ModuleGrants,
    ModuleKind,
    ModuleLimits,
    ModuleParam,
    ModuleParamType,
    ModuleVersion,
    ModuleVersionSummary,
    ObjectMeta,
    OnError,
    PartitionSpec,
    PartitionStatus,
    ProblemDocument,
    ProblemItem,
    Retention,
    Segment,
    SmartModuleSpec,
    SmartModuleStatus,
    Summary,
    TopicSpec,
    TopicStatus,
    Transform,
    ViewSpec,
    ViewStatus,
    diff::Change,
)))]
struct Schemas;

/// `GET /openapi.json`
pub(super) async fn get() -> Json<Value> {
    Json(openapi())
}

/// The OpenAPI document of the REST API.
pub fn openapi() -> Value {
    let mut schemas = schemas();
    for kind in Kind::ALL {
        let (name, object) = object_schema(kind);
        let list = json!({
            "type": "object",
            "required": ["apiVersion", "kind", "metadata", "items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object", "properties": {"resourceVersion": {"type": "string"}}},
                "items": {"type": "array", "items": reference(name)},
            },
        });
        schemas.insert(name.to_owned(), object);
        schemas.insert(format!("{name}List"), list);
    }
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidemill",
            "description": "Declarative control plane: topics, SmartModules and views are written, brokers, partitions and consumer groups are read.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths(),
        "components": {"schemas": schemas},
    })
}

fn schemas() -> Map<String, Value> {
    let document = serde_json::to_value(Schemas::openapi()).unwrap_or_default();
    document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// The schema of a kind's objects: the envelope around its spec and status.
fn object_schema(kind: Kind) -> (&'static str, Value) {
    // Naming the types here makes a rename of one a compile error rather than a dangling reference.
    let (spec, status) = match kind {
        Kind::Topic => of::<TopicSpec, TopicStatus>(),
        Kind::SmartModule => of::<SmartModuleSpec, SmartModuleStatus>(),
        Kind::View => of::<ViewSpec, ViewStatus>(),
        Kind::Broker => of::<BrokerSpec, BrokerStatus>(),
        Kind::Partition => of::<PartitionSpec, PartitionStatus>(),
        Kind::ConsumerGroup => of::<ConsumerGroupSpec, ConsumerGroupStatus>(),
    };
    let schema = json!({
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string", "const": tidemill_resource::API_VERSION},
            "kind": {"type": "string", "const": kind.name()},
            "metadata": reference("ObjectMeta"),
            "spec": reference(&spec),
            "status": reference(&status),
        },
    });
    (kind.name(), schema)
}

fn of<S: utoipa::ToSchema, T: utoipa::ToSchema>() -> (String, String) {
    (S::name().into_owned(), T::name().into_owned())
}
