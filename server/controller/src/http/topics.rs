//! `/v1/topics`

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::Value;
use tidemill_metadata::{Command, ProposeError, Reason, Reply, TopicKey};
use tidemill_resource::document::{Declared, read};
use tidemill_resource::{Kind, ResourceVersion, Topic};

use super::declare::{self, Action};
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
    precondition: Precondition,
    dry_run: bool,
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

/// `GET /v1/topics`, of some labels with `?labelSelector=`; the server's own only with `?internal=true`
pub(super) fn list(api: &Api, params: &Params, headers: &HeaderMap) -> Answer {
    params.allow(&["watch", "internal", "labelSelector"])?;
    let internal = params.flag("internal")?;
    let selector = Selector::of(params)?;
    let image = api.metadata.image();
    let topics = image
        .topics()
        .filter(|topic| (internal || !topic.internal) && selector.takes(&topic.meta.labels));
    let objects: Vec<Topic> = topics.map(|topic| topic.object()).collect();
    items(Kind::Topic, image.version, &objects, headers)
}

/// `GET /v1/topics/{name}`
pub(super) fn get(api: &Api, name: &str, headers: &HeaderMap) -> Answer {
    Ok(object(StatusCode::OK, &current(api, name)?, headers))
}

fn current(api: &Api, name: &str) -> Result<Topic, Problem> {
    let image = api.metadata.image();
    match image.topic(name) {
        Some(topic) => Ok(topic.object()),
        None => Err(not_found(
            Kind::Topic,
            name,
            image.topics().map(|topic| topic.name.as_str()),
        )),
    }
}

/// `PUT /v1/topics/{name}`
pub(super) async fn put(api: &Api, name: &str, write: &Write, body: Body) -> Answer {
    let mut value = body::value(api, body).await?;
    body::complete(&mut value, Kind::Topic, name)?;
    let Declared::Topic(wanted) = read(&value)?;
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

/// Whether a change was refused only because another one came first.
pub(super) fn was_overtaken(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::TopicExists | Reason::UnknownTopic | Reason::VersionConflict { .. }
    )
}

/// Why a topic was not stored.
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

async fn store(
    api: &Api,
    wanted: &Topic,
    precondition: Precondition,
    dry_run: bool,
) -> Result<axum::response::Response, StoreError> {
    let image = api.metadata.image();
    let name = wanted.metadata.name.as_str();
    check_existence(precondition, name, image.topic(name).is_some()).map_err(StoreError::Problem)?;
    let seen = match precondition {
        Precondition::Version(version) => Some(version),
        _ => None,
    };
    let declaration = declare::topic(&image, &api.env, wanted, seen);
    let proposed = if dry_run {
        api.metadata
            .validate(&declaration.command)
            .map_err(ProposeError::Rejected)
    } else {
        api.metadata.propose(declaration.command).await
    };
    let Reply::Topic(topic) = proposed.map_err(StoreError::Propose)? else {
        let message = "the metadata gave an answer of another kind: report it with the log";
        return Err(StoreError::Problem(Problem::new(ErrorKind::Internal, message)));
    };
    let status = if declaration.action == Action::Created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(object(status, &topic.object(), &HeaderMap::new()))
}

fn check_existence(precondition: Precondition, name: &str, exists: bool) -> Result<(), Problem> {
    let name = name.escape_debug();
    match (precondition, exists) {
        (Precondition::Absent, true) => {
            let message = format!("the topic `{name}` exists already: leave out If-None-Match to replace it");
            Err(Problem::new(ErrorKind::Conflict, message))
        }
        (Precondition::Exists | Precondition::Version(_), false) => {
            let message = format!(
                "the topic `{name}` does not exist (any more): leave out If-Match and metadata.resourceVersion to create it"
            );
            Err(Problem::new(ErrorKind::Conflict, message))
        }
        _ => Ok(()),
    }
}

/// `PATCH /v1/topics/{name}`: a JSON merge patch
pub(super) async fn patch(api: &Api, name: &str, write: &Write, body: Body) -> Answer {
    let patch = body::value(api, body).await?;
    // As in a whole document: the version in it is the one that its author saw.
    let seen = version_in(&patch)?;
    let asked = match (write.precondition, seen) {
        (Precondition::None, Some(seen)) => Precondition::Version(seen),
        (precondition, _) => precondition,
    };
    let mut tries = TRIES;
    loop {
        let before = current(api, name)?;
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
fn version_in(patch: &Value) -> Result<Option<u64>, Problem> {
    let Some(version) = patch
        .pointer("/metadata/resourceVersion")
        .filter(|version| !version.is_null())
    else {
        return Ok(None);
    };
    let version: ResourceVersion = serde_json::from_value(version.clone()).map_err(|error| {
        let message =
            format!("this is not a resource version ({error}): use that of the topic, or leave it out");
        Problem::new(ErrorKind::InvalidArgument, message).at("metadata.resourceVersion")
    })?;
    Ok(Some(version.0).filter(|version| *version > 0))
}

fn patched(before: &Topic, patch: Value, name: &str) -> Result<Topic, Problem> {
    let mut value = serde_json::to_value(before).map_err(|error| {
        Problem::new(
            ErrorKind::Internal,
            format!("the topic cannot be written as JSON: {error}"),
        )
    })?;
    body::merge(&mut value, patch);
    body::complete(&mut value, Kind::Topic, name)?;
    let Declared::Topic(wanted) = read(&value)?;
    Ok(wanted)
}

/// `DELETE /v1/topics/{name}`
pub(super) async fn delete(api: &Api, name: &str, write: &Write) -> Answer {
    let found = current(api, name)?;
    let version = match write.precondition {
        Precondition::Version(version) => Some(version),
        Precondition::None | Precondition::Exists => None,
        Precondition::Absent => {
            let message = "deleting what does not exist makes no sense: leave out If-None-Match";
            return Err(Problem::new(ErrorKind::InvalidArgument, message));
        }
    };
    let topic = TopicKey {
        name: name.to_owned(),
        id: found.id(),
        version,
    };
    let command = Command::DeleteTopic {
        topic,
        at_ms: api.env.clock.wall_ms(),
    };
    if write.dry_run {
        api.metadata.validate(&command)?;
    } else {
        api.metadata.propose(command).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
