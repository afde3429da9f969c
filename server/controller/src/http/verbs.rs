//! `POST /v1/{plural}/{name}:{verb}`: what is done to an object that is no change of its spec.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use tidemill_metadata::{Command, Reply};
use tidemill_resource::{Kind, ViewSpec};

use super::Api;
use super::kinds::ErrorKind;
use super::objects::{Answer, PathOf, kind_of, legal, not_allowed, object};
use super::params::Params;
use super::problem::Problem;
use super::read_only;
use super::stored::current;

/// `POST /v1/{plural}/{name}:{verb}`
pub(super) async fn post(
    State(api): State<Arc<Api>>,
    path: PathOf<(String, String)>,
    params: Params,
) -> Answer {
    let (plural, target) = legal(path)?;
    let kind = kind_of(&plural)?;
    params.allow(&[])?;
    match (kind, target.rsplit_once(':')) {
        (Kind::View, Some((name, "renew"))) => renew(&api, name).await,
        (_, Some((_, verb))) => {
            let message = format!(
                "a {kind} cannot `{}`: see /openapi.json for what it can",
                verb.escape_debug()
            );
            Err(Problem::new(ErrorKind::NotFound, message))
        }
        (_, None) => not_allowed(&Method::POST, read_only::methods(kind)),
    }
}

/// `POST /v1/views/{name}:renew`
async fn renew(api: &Api, name: &str) -> Answer {
    // For "there is no such view" with the nearest name.
    let found = current::<ViewSpec>(api, name)?;
    if found.spec.lease.is_none() {
        let message = format!("the view `{name}` has no lease: there is nothing to renew");
        return Err(Problem::new(ErrorKind::InvalidArgument, message).at("spec.lease"));
    }
    let command = Command::RenewView {
        name: name.to_owned(),
        at_ms: api.env.clock.wall_ms(),
    };
    match api.metadata.propose(command).await? {
        Reply::View(view) => Ok(object(StatusCode::OK, &view.object(), &HeaderMap::new())),
        _ => Err(Problem::new(
            ErrorKind::Internal,
            "the metadata gave an answer of another kind: report it with the log",
        )),
    }
}
