//! The OpenAPI document, generated from the types that are served.

use axum::Json;
use serde_json::{Map, Value, json};
use tidemill_resource::{
    BrokerSpec, BrokerStatus, Condition, ConditionStatus, ConsumerGroupSpec, ConsumerGroupStatus, Endpoint,
    GroupMember, GroupOffset, Kind, ObjectMeta, PartitionSpec, PartitionStatus, Retention, Segment,
    TopicSpec, TopicStatus, diff,
};
use utoipa::OpenApi;

use super::apply::{Applied, ApplyResult, Summary};
use super::declare::Action;
use super::problem::{ProblemDocument, ProblemItem};

#[derive(OpenApi)]
#[openapi(components(schemas(
    Action,
    Applied,
    ApplyResult,
    BrokerSpec,
    BrokerStatus,
    Condition,
    ConditionStatus,
    ConsumerGroupSpec,
    ConsumerGroupStatus,
    Endpoint,
    GroupMember,
    GroupOffset,
    Kind,
    ObjectMeta,
    PartitionSpec,
    PartitionStatus,
    ProblemDocument,
    ProblemItem,
    Retention,
    Segment,
    Summary,
    TopicSpec,
    TopicStatus,
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
            "description": "Declarative control plane: topics are written, brokers, partitions and consumer groups are read.",
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

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn paths() -> Value {
    let mut paths = Map::new();
    for kind in Kind::ALL {
        paths.insert(format!("/v1/{}", kind.plural()), list_path(kind));
        paths.insert(format!("/v1/{}/{{name}}", kind.plural()), object_path(kind));
    }
    paths.insert("/v1/apply".to_owned(), apply_path());
    for (path, summary, content) in [
        (
            "/metrics",
            "Metrics in the OpenMetrics text format",
            "application/openmetrics-text",
        ),
        ("/healthz", "The process answers", "text/plain"),
        (
            "/readyz",
            "The process should get traffic; 503 with the reasons when not",
            "application/json",
        ),
    ] {
        let mut get = operation(summary, &[], &json!({}), content);
        if path == "/readyz" {
            get["responses"]["503"] = json!({"description": "Not ready; the body says why"});
        }
        paths.insert(path.to_owned(), json!({"get": get}));
    }
    Value::Object(paths)
}

fn list_path(kind: Kind) -> Value {
    let mut query: Vec<Value> = Vec::new();
    if matches!(kind, Kind::Topic | Kind::Broker) {
        query.push(parameter(
            "watch",
            "boolean",
            "Answer with server-sent events instead of a list.",
        ));
        query.push(parameter("resourceVersion", "string", "Where a watch resumes."));
    }
    match kind {
        Kind::Topic => query.push(parameter(
            "internal",
            "boolean",
            "Also list the server's own topics.",
        )),
        Kind::Partition => query.push(parameter("topic", "string", "Only the partitions of this topic.")),
        Kind::Broker | Kind::ConsumerGroup => {}
    }
    let schema = reference(&format!("{kind}List"));
    json!({"get": operation(&format!("List every {kind}"), &query, &schema, "application/json")})
}

fn object_path(kind: Kind) -> Value {
    let schema = reference(kind.name());
    let name = json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}});
    let dry_run = parameter("dryRun", "boolean", "Check and answer, but change nothing.");
    let if_match = header("If-Match", "Only if the object is at this ETag.");
    let if_none_match = header("If-None-Match", "`*`: only if there is none yet.");
    let mut path = json!({
        "parameters": [name],
        "get": operation(&format!("Read a {kind}"), &[], &schema, "application/json"),
    });
    let body = |media: &str| json!({"required": true, "content": {media: {"schema": schema}}});
    if kind.is_writable() {
        let headers = [dry_run.clone(), if_match.clone(), if_none_match];
        let mut put = operation(
            &format!("Create or replace a {kind}"),
            &headers,
            &schema,
            "application/json",
        );
        put["requestBody"] = body("application/json");
        put["responses"]["201"] =
            json!({"description": "Created", "content": {"application/json": {"schema": schema}}});
        let headers = [dry_run.clone(), if_match.clone()];
        let mut patch = operation(&format!("Change a {kind}"), &headers, &schema, "application/json");
        patch["requestBody"] = json!({
            "required": true, "content": {"application/merge-patch+json": {"schema": {"type": "object"}}},
        });
        path["put"] = put;
        path["patch"] = patch;
    }
    let deletable = match kind {
        Kind::Topic => Some(vec![dry_run, if_match]),
        Kind::ConsumerGroup => Some(Vec::new()),
        Kind::Broker | Kind::Partition => None,
    };
    if let Some(parameters) = deletable {
        let problem = problem();
        path["delete"] = json!({
            "summary": format!("Delete a {kind}"), "tags": [kind.plural()], "parameters": parameters,
            "responses": {"204": {"description": "Deleted"}, "default": problem},
        });
    }
    path
}

fn apply_path() -> Value {
    let dry_run = parameter("dryRun", "boolean", "Only say what would change.");
    let schema = reference("ApplyResult");
    let mut post = operation(
        "Apply many documents, all or none",
        &[dry_run],
        &schema,
        "application/json",
    );
    post["requestBody"] = json!({"required": true, "content": {
        "application/yaml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "array", "items": reference("Topic")}},
    }});
    json!({"post": post})
}

fn operation(summary: &str, parameters: &[Value], schema: &Value, media: &str) -> Value {
    json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "OK", "content": {media: {"schema": schema}}},
            "default": problem(),
        },
    })
}

fn problem() -> Value {
    json!({
        "description": "What is wrong, and the mend",
        "content": {"application/problem+json": {"schema": reference("Problem")}},
    })
}

fn parameter(name: &str, kind: &str, description: &str) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": {"type": kind}})
}

fn header(name: &str, description: &str) -> Value {
    json!({"name": name, "in": "header", "description": description, "schema": {"type": "string"}})
}
