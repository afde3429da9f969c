//! The routes shared by all kinds: each handler finds the kind in the path and hands over.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::json;
use tidemill_resource::{
    API_VERSION, Kind, Object, ResourceVersion, SmartModuleSpec, Spec, TopicSpec, ViewSpec, nearest,
};

use super::bounds::Seat;
use super::kinds::ErrorKind;
use super::params::Params;
use super::precondition::{etag, has_already, weak_etag};
use super::problem::Problem;
use super::stored::{self, Write};
use super::{Api, read_only, watch};

/// What handlers answer.
pub(super) type Answer = Result<Response, Problem>;

pub(super) type PathOf<T> = Result<Path<T>, axum::extract::rejection::PathRejection>;

pub(super) fn legal<T>(path: PathOf<T>) -> Result<T, Problem> {
    let Path(parts) = path.map_err(|error| {
        Problem::new(
            ErrorKind::InvalidArgument,
            format!("the path cannot be read: {error}"),
        )
    })?;
    Ok(parts)
}

pub(super) fn kind_of(plural: &str) -> Result<Kind, Problem> {
    Kind::from_plural(plural).ok_or_else(|| {
        let plurals = Kind::ALL.map(Kind::plural);
        let mend = match nearest(plural, plurals) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", plurals.join(", ")),
        };
        Problem::new(
            ErrorKind::NotFound,
            format!("there is no kind `{}`: {mend}", plural.escape_debug()),
        )
    })
}

/// `GET /v1/{plural}`
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    plural: PathOf<String>,
    (params, headers): (Params, HeaderMap),
    seat: Option<Extension<Seat>>,
) -> Answer {
    let kind = kind_of(&legal(plural)?)?;
    if params.flag("watch")? {
        params.allow(&["watch", "resourceVersion"])?;
        return watch::watch(api, kind, None, (&params, &headers), seat.as_deref());
    }
    match kind {
        Kind::Topic => stored::list::<TopicSpec>(&api, &params, &headers),
        Kind::SmartModule => stored::list::<SmartModuleSpec>(&api, &params, &headers),
        Kind::View => stored::list::<ViewSpec>(&api, &params, &headers),
        Kind::Broker => read_only::brokers(&api, &params, &headers),
        Kind::Partition => read_only::partitions(&api, &params, &headers),
        Kind::ConsumerGroup => read_only::groups(&api, &params, &headers).await,
    }
}

/// `GET /v1/{plural}/{name}`
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    path: PathOf<(String, String)>,
    (params, headers): (Params, HeaderMap),
    seat: Option<Extension<Seat>>,
) -> Answer {
    let (plural, name) = legal(path)?;
    let kind = kind_of(&plural)?;
    if params.flag("watch")? {
        params.allow(&["watch", "resourceVersion"])?;
        return watch::watch(api, kind, Some(name), (&params, &headers), seat.as_deref());
    }
    params.allow(&["watch"])?;
    match kind {
        Kind::Topic => stored::get::<TopicSpec>(&api, &name, &headers),
        Kind::SmartModule => stored::get::<SmartModuleSpec>(&api, &name, &headers),
        Kind::View => stored::get::<ViewSpec>(&api, &name, &headers),
        Kind::Broker => read_only::broker(&api, &name, &headers),
        Kind::Partition => read_only::partition(&api, &name, &headers),
        Kind::ConsumerGroup => read_only::group(&api, &name, &headers).await,
    }
}

/// `PUT /v1/{plural}/{name}`
pub(super) async fn put(
    State(api): State<Arc<Api>>,
    path: PathOf<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (plural, name) = legal(path)?;
    params.allow(&["dryRun"])?;
    let kind = kind_of(&plural)?;
    let write = || Write::of(&params, &headers);
    match kind {
        Kind::Topic => stored::put::<TopicSpec>(&api, &name, &write()?, body).await,
        Kind::SmartModule => stored::put::<SmartModuleSpec>(&api, &name, &write()?, body).await,
        Kind::View => stored::put::<ViewSpec>(&api, &name, &write()?, body).await,
        kind => Err(read_only::refuse(kind)),
    }
}

/// `PATCH /v1/{plural}/{name}`
pub(super) async fn patch(
    State(api): State<Arc<Api>>,
    path: PathOf<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let (plural, name) = legal(path)?;
    params.allow(&["dryRun"])?;
    let kind = kind_of(&plural)?;
    let write = || Write::of(&params, &headers);
    match kind {
        Kind::Topic => stored::patch::<TopicSpec>(&api, &name, &write()?, body).await,
        Kind::SmartModule => stored::patch::<SmartModuleSpec>(&api, &name, &write()?, body).await,
        Kind::View => stored::patch::<ViewSpec>(&api, &name, &write()?, body).await,
        kind => Err(read_only::refuse(kind)),
    }
}

/// `DELETE /v1/{plural}/{name}`
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    path: PathOf<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let (plural, name) = legal(path)?;
    params.allow(&["dryRun"])?;
    let kind = kind_of(&plural)?;
    let write = || Write::of(&params, &headers);
    match kind {
        Kind::Topic => stored::delete::<TopicSpec>(&api, &name, &write()?).await,
        Kind::SmartModule => stored::delete::<SmartModuleSpec>(&api, &name, &write()?).await,
        Kind::View => stored::delete::<ViewSpec>(&api, &name, &write()?).await,
        Kind::ConsumerGroup => {
            params.allow(&[])?;
            read_only::without_precondition(&headers)?;
            api.live.delete_group(&name).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        kind => Err(read_only::refuse(kind)),
    }
}

/// One object, with its ETag; "not modified" when the reader has it.
pub(super) fn object<S>(status: StatusCode, object: &Object<S>, headers: &HeaderMap) -> Response
where
    S: Spec + Serialize,
    S::Status: Serialize,
{
    let tag = etag(object.metadata.resource_version);
    if has_already(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    (status, [(header::ETAG, tag)], Json(object)).into_response()
}

/// Facts that change without the metadata changing: their ETag is made from all that is sent.
pub(super) fn facts<T: Serialize>(facts: &T, headers: &HeaderMap) -> Answer {
    let text = serde_json::to_vec(facts).map_err(|error| {
        Problem::new(
            ErrorKind::Internal,
            format!("the answer cannot be written as JSON ({error}): report it with the log"),
        )
    })?;
    let tag = weak_etag(&text);
    if has_already(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::ETAG, tag), (header::CONTENT_TYPE, json)], text).into_response())
}

/// Any other method on `/v1/{plural}/{name}`.
pub(super) async fn other_method(method: Method, path: PathOf<(String, String)>) -> Answer {
    let (plural, _) = legal(path)?;
    let kind = kind_of(&plural)?;
    not_allowed(&method, read_only::methods(kind))
}

/// Any other method on `/v1/{plural}`.
pub(super) async fn other_method_of_list(method: Method, plural: PathOf<String>) -> Answer {
    kind_of(&legal(plural)?)?;
    not_allowed(&method, "GET, HEAD, OPTIONS")
}

pub(super) fn not_allowed(method: &Method, allow: &'static str) -> Answer {
    if *method == Method::OPTIONS {
        let allow = [(header::ALLOW, HeaderValue::from_static(allow))];
        return Ok((StatusCode::NO_CONTENT, allow).into_response());
    }
    let message = format!("this path does not take {method}: use one of {allow}");
    Err(Problem::method(message, allow))
}

/// A list of objects, as of a version of the metadata.
pub(super) fn items<T: Serialize>(kind: Kind, version: u64, items: &[T], headers: &HeaderMap) -> Answer {
    let list = json!({
        "apiVersion": API_VERSION,
        "kind": format!("{kind}List"),
        "metadata": {"resourceVersion": ResourceVersion(version)},
        "items": items,
    });
    facts(&list, headers)
}

/// "There is no such object", with the nearest name.
pub(super) fn not_found<'a>(kind: Kind, name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let mend = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("see GET /v1/{} for those there are", kind.plural()),
    };
    let message = format!("there is no {kind} `{}`: {mend}", name.escape_debug());
    Problem::new(ErrorKind::NotFound, message).at("metadata.name")
}
