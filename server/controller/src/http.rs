//! The REST API, metrics and health, on axum.
//!
//! | route | what |
//! |---|---|
//! | `GET /v1/{plural}` | list; `?watch=true` for server-sent events |
//! | `GET PUT PATCH DELETE /v1/{plural}/{name}` | one object; `If-Match` on writes |
//! | `GET PUT /v1/smartmodules/{name}/wasm` | the wasm of a SmartModule |
//! | `POST /v1/views/{name}:renew` | renews a lease |
//! | `POST /v1/apply` | many documents, all or none; `?dryRun=true` only says what would change |
//! | `/metrics`, `/healthz`, `/readyz`, `/openapi.json`, `/` | for machines, and a page for people |
//!
//! Errors are RFC 9457 problem documents that name the field and the mend.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use tidemill_env::Env;
use tidemill_metadata::Metadata;
use tokio_util::sync::CancellationToken;

use crate::live::Live;
use crate::modules::Modules;

mod access;
mod apply;
mod body;
mod bounds;
mod declare;
mod guard;
mod health;
mod kinds;
mod objects;
mod openapi;
mod openapi_paths;
mod order;
mod params;
mod precondition;
mod problem;
mod read_only;
mod selector;
mod serve;
mod stored;
mod verbs;
mod wasm;
mod watch;

#[cfg(test)]
mod tests;

pub use access::Answered;
pub use bounds::Bounds;
pub use kinds::ErrorKind;
pub use openapi::openapi;
pub use serve::serve;

/// What the handlers work with.
pub struct Api {
    /// The objects.
    pub metadata: Metadata,
    /// The facts.
    pub live: Arc<dyn Live>,
    /// The wasm of SmartModules.
    pub modules: Arc<Modules>,
    /// Time and randomness.
    pub env: Env,
    /// Ends watches and the server.
    pub stop: CancellationToken,
    /// How many may be served at once, and under which names.
    pub bounds: Bounds,
}

/// Every route.
pub fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/apply", post(apply::post))
        .route(
            "/v1/{plural}",
            get(objects::list).fallback(objects::other_method_of_list),
        )
        .route(
            "/v1/{plural}/{name}",
            get(objects::get)
                .put(objects::put)
                .patch(objects::patch)
                .delete(objects::delete)
                .post(verbs::post)
                .fallback(objects::other_method),
        )
        .route("/v1/smartmodules/{name}/wasm", get(wasm::get).put(wasm::put))
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(openapi::get))
        .route("/", get(health::index))
        .fallback(async || {
            problem::Problem::new(
                ErrorKind::NotFound,
                "there is nothing at this path: see /openapi.json for what there is",
            )
        })
        .method_not_allowed_fallback(async || {
            problem::Problem::new(
                ErrorKind::InvalidArgument,
                "this path does not take this method: see /openapi.json for those it takes",
            )
            .with_status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(middleware::from_fn(guard::same_origin))
        .layer(middleware::from_fn_with_state(api.clone(), guard::known_name))
        .layer(middleware::from_fn(bounds::seated))
        .layer(middleware::from_fn_with_state(api.clone(), access::record))
        .with_state(api)
}
