//! The paths of the OpenAPI document.

use serde_json::{Map, Value, json};
use tidemill_resource::Kind;

use super::watch::can_be_watched;

/// A schema of the document.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Every path, with its methods.
pub(super) fn paths() -> Value {
    let mut paths = Map::new();
    for kind in Kind::ALL {
        paths.insert(format!("/v1/{}", kind.plural()), list_path(kind));
        paths.insert(format!("/v1/{}/{{name}}", kind.plural()), object_path(kind));
    }
    paths.insert("/v1/smartmodules/{name}/wasm".to_owned(), wasm_path());
    paths.insert("/v1/views/{name}:renew".to_owned(), renew_path());
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
        ("/openapi.json", "This document", "application/json"),
        ("/", "A page for people", "text/html"),
    ] {
        let mut get = operation(summary, &[], &json!({}), content);
        let word = path.trim_matches('/').trim_end_matches(".json");
        get["operationId"] = match word {
            "" => "getIndex".into(),
            "openapi" => "getOpenApi".into(),
            word => word.into(),
        };
        if path == "/readyz" {
            get["responses"]["503"] = json!({"description": "Not ready; the body says why"});
        }
        paths.insert(path.to_owned(), json!({"get": get}));
    }
    Value::Object(paths)
}

fn list_path(kind: Kind) -> Value {
    let mut query: Vec<Value> = Vec::new();
    if can_be_watched(kind) {
        query.extend(watch_parameters());
    }
    match kind {
        Kind::Topic => query.extend([parameter(
            "internal",
            "boolean",
            "Also list the server's own topics. Not with `watch`.",
        )]),
        Kind::Partition => query.push(parameter("topic", "string", "Only the partitions of this topic.")),
        Kind::Broker | Kind::SmartModule | Kind::View | Kind::ConsumerGroup => {}
    }
    if kind.is_writable() {
        query.push(parameter(
            "labelSelector",
            "string",
            "Only objects with these labels: `team=shop`, `team!=shop`, `tier in (gold, silver)`, \
             `tier notin (free)`, `team`, `!team`; commas mean \"and\". Not with `watch`.",
        ));
    }
    let schema = reference(&format!("{kind}List"));
    let mut get = operation(&format!("List every {kind}"), &query, &schema, "application/json");
    get["operationId"] = format!("list{kind}s").into();
    read(&mut get, kind);
    json!({"get": get})
}

fn watch_parameters() -> [Value; 2] {
    let mut version = parameter(
        "resourceVersion",
        "string",
        "Where a watch resumes: only changes after this version. 410 when they are no longer known. \
         Only with `watch`.",
    );
    version["schema"]["pattern"] = "^[0-9]{1,19}$".into();
    [
        parameter(
            "watch",
            "boolean",
            "Answer with server-sent events: `created`, `updated`, `deleted` with the object, `bookmark` with a \
             version only, `gone` when the watch fell too far behind. The id of an event is where to resume.",
        ),
        version,
    ]
}

/// What every read can do: answer "not modified", and be watched where the kind can be.
fn read(get: &mut Value, kind: Kind) {
    let known = header(
        "If-None-Match",
        "An ETag, or several: 304 without a body when it is still the same.",
    );
    if let Some(parameters) = get["parameters"].as_array_mut() {
        parameters.push(known);
    }
    get["responses"]["200"]["headers"] =
        json!({"ETag": {"description": "Changes when the answer does.", "schema": {"type": "string"}}});
    get["responses"]["304"] = json!({"description": "Still as the reader has it"});
    if can_be_watched(kind) {
        get["responses"]["200"]["content"]["text/event-stream"] = json!({});
        get["responses"]["410"] = problem();
    }
}

fn object_path(kind: Kind) -> Value {
    let schema = reference(kind.name());
    let name = json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}});
    let dry_run = parameter("dryRun", "boolean", "Check and answer, but change nothing.");
    let mut if_match = header(
        "If-Match",
        "Only if the object is at this ETag; `*`: only if there is one.",
    );
    if_match["schema"]["pattern"] = r#"^(\*|"[0-9]{1,19}")$"#.into();
    let mut if_none_match = header("If-None-Match", "`*`: only if there is none yet.");
    if_none_match["schema"]["const"] = "*".into();
    let query: &[Value] = if can_be_watched(kind) {
        &watch_parameters()
    } else {
        &[]
    };
    let mut get = operation(&format!("Read a {kind}"), query, &schema, "application/json");
    get["operationId"] = format!("get{kind}").into();
    read(&mut get, kind);
    get["responses"]["404"] = problem();
    let mut path = json!({"parameters": [name], "get": get});
    let body = |media: &str| json!({"required": true, "content": {media: {"schema": schema}}});
    if kind.is_writable() {
        let headers = [dry_run.clone(), if_match.clone(), if_none_match];
        let mut put = operation(
            &format!("Create or replace a {kind}"),
            &headers,
            &schema,
            "application/json",
        );
        put["operationId"] = format!("put{kind}").into();
        put["requestBody"] = body("application/json");
        put["responses"]["412"] = problem();
        put["responses"]["201"] =
            json!({"description": "Created", "content": {"application/json": {"schema": schema}}});
        let headers = [dry_run.clone(), if_match.clone()];
        let mut patch = operation(&format!("Change a {kind}"), &headers, &schema, "application/json");
        patch["requestBody"] = json!({
            "required": true, "content": {"application/merge-patch+json": {"schema": {"type": "object"}}},
        });
        patch["operationId"] = format!("patch{kind}").into();
        for status in ["404", "412"] {
            patch["responses"][status] = problem();
        }
        path["put"] = put;
        path["patch"] = patch;
    }
    let deletable = match kind {
        Kind::Topic | Kind::SmartModule | Kind::View => Some(vec![dry_run, if_match]),
        Kind::ConsumerGroup => Some(Vec::new()),
        Kind::Broker | Kind::Partition => None,
    };
    if let Some(parameters) = deletable {
        let problem = problem();
        path["delete"] = json!({
            "operationId": format!("delete{kind}"), "summary": format!("Delete a {kind}"),
            "parameters": parameters,
            "responses": {
                "204": {"description": "Deleted"}, "404": problem, "412": problem, "default": problem,
            },
        });
    }
    path
}

fn name_parameter() -> Value {
    json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}})
}

fn wasm_path() -> Value {
    let wasm = json!({"type": "string", "format": "binary"});
    let schema = reference(Kind::SmartModule.name());
    let version = parameter(
        "version",
        "string",
        "A digest, or its beginning; the current version by default.",
    );
    let mut get = operation(
        "Read the wasm of a SmartModule",
        &[version],
        &wasm,
        "application/wasm",
    );
    get["operationId"] = "getWasm".into();
    get["responses"]["404"] = problem();
    let query = [
        parameter("dryRun", "boolean", "Check and answer, but change nothing."),
        parameter("description", "string", "What it is for."),
    ];
    let mut put = operation(
        "Load the wasm of a SmartModule, which becomes its current version",
        &query,
        &schema,
        "application/json",
    );
    put["operationId"] = "putWasm".into();
    put["requestBody"] = json!({"required": true, "content": {
        "application/wasm": {"schema": wasm}, "application/octet-stream": {"schema": wasm},
    }});
    put["responses"]["201"] =
        json!({"description": "Created", "content": {"application/json": {"schema": schema}}});
    for status in ["412", "413"] {
        put["responses"][status] = problem();
    }
    json!({"parameters": [name_parameter()], "get": get, "put": put})
}

fn renew_path() -> Value {
    let schema = reference(Kind::View.name());
    let mut post = operation("Renew the lease of a View", &[], &schema, "application/json");
    post["operationId"] = "renewView".into();
    post["responses"]["404"] = problem();
    json!({"parameters": [name_parameter()], "post": post})
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
    let writable: Vec<Value> = Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_writable())
        .map(|kind| reference(kind.name()))
        .collect();
    post["requestBody"] = json!({"required": true, "content": {
        "application/yaml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "array", "items": {"oneOf": writable}}},
    }});
    post["operationId"] = "apply".into();
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
