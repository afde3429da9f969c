//! The kinds that users write: `GET`, `PUT`, `PATCH` and `DELETE` work alike for all of them.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use tidemill_metadata::{ProposeError, Reason};
use tidemill_resource::document::read;
use tidemill_resource::{Object, ResourceVersion};

use super::declare::{Action, Stored};
use super::kinds::ErrorKind;
use super::objects::{Answer, items, not_found, object};
use super::params::Params;
use super::precondition::Precondition;
use super::problem::Problem;
use super::selector::Selector;
use super::{Api, body};

/// How often a write is tried again when others write between its reading and its writing.
pub(super) const TRIES: usize = 5;

/// How a write is to be done.
pub(super) struct Write {
    pub(super) precondition: Precondition,
    pub(super) dry_run: bool,
}

impl Write {
    /// Reads the headers and query.
    pub(super) fn of(params: &Params, headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            precondition: Precondition::of(headers)?,
            dry_run: params.flag("dryRun")?,
        })
    }
}

/// `GET /v1/{plural}`, of some labels with `?labelSelector=`; the server's own topics only with `?internal=true`
pub(super) fn list<S: Stored>(api: &Api, params: &Params, headers: &HeaderMap) -> Answer
where
    S::Status: Serialize,
{
    let has_internal = S::KIND == tidemill_resource::Kind::Topic;
    if has_internal {
        params.allow(&["watch", "internal", "labelSelector"])?;
    } else {
        params.allow(&["watch", "labelSelector"])?;
    }
    let internal = has_internal && params.flag("internal")?;
    let selector = Selector::of(params)?;
    let image = api.metadata.image();
    let mut objects = S::all(&image, internal);
    objects.retain(|object| selector.takes(&object.metadata.labels));
    items(S::KIND, image.version, &objects, headers)
}

/// `GET /v1/{plural}/{name}`
pub(super) fn get<S: Stored>(api: &Api, name: &str, headers: &HeaderMap) -> Answer
where
    S::Status: Serialize,
{
    Ok(object(StatusCode::OK, &current::<S>(api, name)?, headers))
}

pub(super) fn current<S: Stored>(api: &Api, name: &str) -> Result<Object<S>, Problem> {
    let image = api.metadata.image();
    S::find(&image, name).ok_or_else(|| not_found(S::KIND, name, S::names(&image)))
}

/// `PUT /v1/{plural}/{name}`
pub(super) async fn put<S: Stored>(api: &Api, name: &str, write: &Write, body: Body) -> Answer
where
    S::Status: Serialize,
{
    let mut value = body::value(api, body).await?;
    body::complete(&mut value, S::KIND, name)?;
    let wanted = declared::<S>(&value)?;
    // A version inside the document is a precondition as well: it is the one its author saw.
    let precondition = match (write.precondition, wanted.metadata.resource_version.0) {
        (Precondition::None, seen) if seen > 0 => Precondition::Version(seen),
        (precondition, _) => precondition,
    };
    let mut tries = TRIES;
    loop {
        match store(api, &wanted, precondition, write.dry_run).await {
            // Made or deleted by somebody else since it was looked up: whoever sets no condition wants it either way.
            Err(StoreError::Propose(ProposeError::Rejected(rejection)))
                if precondition == Precondition::None && tries > 0 && was_overtaken(&rejection.reason) =>
            {
                tries -= 1;
            }
            other => return other.map_err(Problem::from),
        }
    }
}

fn declared<S: Stored>(value: &Value) -> Result<Object<S>, Problem> {
    // `complete` saw to it that the kind is that of the path.
    S::of_declared(read(value)?).ok_or_else(another_kind)
}

fn another_kind() -> Problem {
    let message = "the metadata gave an answer of another kind: report it with the log";
    Problem::new(ErrorKind::Internal, message)
}

/// Whether a change was refused only because another one came first.
pub(super) fn was_overtaken(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::TopicExists | Reason::UnknownTopic | Reason::VersionConflict { .. }
    )
}

/// Why an object was not stored.
enum StoreError {
    Problem(Problem),
    Propose(ProposeError),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Problem(problem) => problem,
            StoreError::Propose(error) => error.into(),
        }
    }
}

async fn store<S: Stored>(
    api: &Api,
    wanted: &Object<S>,
    precondition: Precondition,
    dry_run: bool,
) -> Result<Response, StoreError>
where
    S::Status: Serialize,
{
    let image = api.metadata.image();
    let name = wanted.metadata.name.as_str();
    check_existence::<S>(precondition, name, S::find(&image, name).is_some()).map_err(StoreError::Problem)?;
    let seen = match precondition {
        Precondition::Version(version) => Some(version),
        Precondition::Absent => Some(0),
        _ => None,
    };
    let declaration = S::declare(&image, &api.env, wanted, seen);
    let proposed = if dry_run {
        api.metadata
            .validate(&declaration.command)
            .map_err(ProposeError::Rejected)
    } else {
        api.metadata.propose(declaration.command).await
    };
    let reply = proposed.map_err(StoreError::Propose)?;
    let stored = S::of_reply(&reply).ok_or_else(|| StoreError::Problem(another_kind()))?;
    let status = if declaration.action == Action::Created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(object(status, &stored, &HeaderMap::new()))
}

/// Checks what a precondition says of whether an object exists.
pub(super) fn check_existence<S: Stored>(
    precondition: Precondition,
    name: &str,
    exists: bool,
) -> Result<(), Problem> {
    let (word, name) = (S::WORD, name.escape_debug());
    match (precondition, exists) {
        (Precondition::Absent, true) => {
            let message =
                format!("the {word} `{name}` exists already: leave out If-None-Match to replace it");
            Err(Problem::new(ErrorKind::Conflict, message))
        }
        (Precondition::Exists | Precondition::Version(_), false) => {
            let message = format!(
                "the {word} `{name}` does not exist (any more): leave out If-Match and metadata.resourceVersion to create it"
            );
            Err(Problem::new(ErrorKind::Conflict, message))
        }
        _ => Ok(()),
    }
}

/// `PATCH /v1/{plural}/{name}`: a JSON merge patch
pub(super) async fn patch<S: Stored>(api: &Api, name: &str, write: &Write, body: Body) -> Answer
where
    S::Status: Serialize,
{
    let patch = body::value(api, body).await?;
    // As in a whole document: the version in it is the one that its author saw.
    let seen = version_in::<S>(&patch)?;
    let asked = match (write.precondition, seen) {
        (Precondition::None, Some(seen)) => Precondition::Version(seen),
        (precondition, _) => precondition,
    };
    let mut tries = TRIES;
    loop {
        let before = current::<S>(api, name)?;
        let precondition = match asked {
            Precondition::Absent => {
                let message = "a patch changes what exists: leave out If-None-Match";
                return Err(Problem::new(ErrorKind::InvalidArgument, message));
            }
            Precondition::Version(version) => Precondition::Version(version),
            Precondition::None | Precondition::Exists => {
                Precondition::Version(before.metadata.resource_version.0)
            }
        };
        let wanted = patched(&before, patch.clone(), name)?;
        match store(api, &wanted, precondition, write.dry_run).await {
            Err(StoreError::Propose(ProposeError::Rejected(rejection)))
                if matches!(rejection.reason, Reason::VersionConflict { .. })
                    && !matches!(asked, Precondition::Version(_))
                    && tries > 0 =>
            {
                tries -= 1;
            }
            other => return other.map_err(Problem::from),
        }
    }
}

/// The resource version that a patch names, if it does.
fn version_in<S: Stored>(patch: &Value) -> Result<Option<u64>, Problem> {
    let Some(version) = patch
        .pointer("/metadata/resourceVersion")
        .filter(|version| !version.is_null())
    else {
        return Ok(None);
    };
    let version: ResourceVersion = serde_json::from_value(version.clone()).map_err(|error| {
        let word = S::WORD;
        let message =
            format!("this is not a resource version ({error}): use that of the {word}, or leave it out");
        Problem::new(ErrorKind::InvalidArgument, message).at("metadata.resourceVersion")
    })?;
    Ok(Some(version.0).filter(|version| *version > 0))
}

fn patched<S: Stored>(before: &Object<S>, patch: Value, name: &str) -> Result<Object<S>, Problem>
where
    S::Status: Serialize,
{
    let mut value = serde_json::to_value(before).map_err(|error| {
        let message = format!("the {} cannot be written as JSON: {error}", S::WORD);
        Problem::new(ErrorKind::Internal, message)
    })?;
    body::merge(&mut value, patch);
    body::complete(&mut value, S::KIND, name)?;
    declared(&value)
}

/// `DELETE /v1/{plural}/{name}`
pub(super) async fn delete<S: Stored>(api: &Api, name: &str, write: &Write) -> Answer {
    let found = current::<S>(api, name)?;
    let version = match write.precondition {
        Precondition::Version(version) => Some(version),
        Precondition::None | Precondition::Exists => None,
        Precondition::Absent => {
            let message = "deleting what does not exist makes no sense: leave out If-None-Match";
            return Err(Problem::new(ErrorKind::InvalidArgument, message));
        }
    };
    let command = S::deletion(&found.metadata, version, api.env.clock.wall_ms());
    if write.dry_run {
        api.metadata.validate(&command)?;
    } else {
        api.metadata.propose(command).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
