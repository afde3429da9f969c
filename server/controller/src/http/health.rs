//! Metrics, health and the page for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::Api;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    ([(header::CONTENT_TYPE, OPENMETRICS)], api.live.metrics()).into_response()
}

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the process should get traffic, or why not.
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Response {
    let mut reasons = api.live.not_ready();
    if api.stop.is_cancelled() {
        reasons.push("the server is stopping".to_owned());
    }
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({"ready": reasons.is_empty(), "reasons": reasons})),
    )
        .into_response()
}

/// `GET /`
pub(super) async fn index() -> Html<&'static str> {
    Html(include_str!("index.html"))
}
