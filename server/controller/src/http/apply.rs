//! `POST /v1/apply`: many documents, all or none, with the exact difference.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tidemill_metadata::{Command, ProposeError, Rejection, Reply};
use tidemill_resource::diff::Change;
use tidemill_resource::document::{Declared, DocumentError, parse};
use tidemill_resource::{FieldError, Kind};
use utoipa::ToSchema;

use super::declare::{self, Action};
use super::kinds::ErrorKind;
use super::objects::Answer;
use super::order::ordered;
use super::params::Params;
use super::problem::Problem;
use super::stored::{TRIES, was_overtaken};
use super::{Api, body};

/// What became of one document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Applied {
    /// Which document, from 1.
    document: usize,
    /// The object's kind.
    kind: Kind,
    /// The object's name.
    name: String,
    /// What became of it.
    action: Action,
    /// Every field that differs.
    changes: Vec<Change>,
    /// The object afterwards.
    object: serde_json::Value,
}

/// How many documents had which fate.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Summary {
    created: usize,
    updated: usize,
    unchanged: usize,
}

/// The answer of `POST /v1/apply`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApplyResult {
    /// Whether this only says what would happen.
    dry_run: bool,
    /// How many documents had which fate.
    summary: Summary,
    /// One entry a document, in order.
    results: Vec<Applied>,
}

/// `POST /v1/apply`, `?dryRun=true`
///
/// The documents are the truth: what the server keeps (`uid`, `resourceVersion`, `status`) is not looked at, so a
/// saved object can be applied to any cluster.
pub(super) async fn post(State(api): State<Arc<Api>>, params: Params, body: Body) -> Answer {
    params.allow(&["dryRun"])?;
    let dry_run = params.flag("dryRun")?;
    let text = body::text(&api, body).await?;
    let parsed = api.env.blocking(move || parse(&text)).await;
    let documents = parsed
        .map_err(|_| Problem::new(ErrorKind::Unavailable, "the server is stopping: try again later"))?
        .map_err(Problem::of_documents)?;
    let order = ordered(&documents).map_err(|error| Problem::of_documents(vec![*error]))?;
    let mut tries = TRIES;
    let (mut results, reply) = loop {
        let (results, commands) = compare(&api, &documents, &order);
        match propose(&api, commands, &results, dry_run).await {
            Ok(reply) => break (results, reply),
            Err(ProposeError::Rejected(rejection)) if tries > 0 && was_overtaken(&rejection.reason) => {
                tries -= 1;
            }
            Err(error) => return Err(refused(error, &results)),
        }
    };
    fill(&mut results, reply);
    results.sort_by_key(|result| result.document);
    let summary = summarise(&results);
    Ok(Json(ApplyResult {
        dry_run,
        summary,
        results,
    })
    .into_response())
}

/// Compares what is wanted with what is there, in the order in which it is to be done. Each command holds only for the state that was looked at: the
/// differences told are those that are made.
fn compare(api: &Api, documents: &[Declared], order: &[usize]) -> (Vec<Applied>, Vec<Command>) {
    let image = api.metadata.image();
    let mut results = Vec::with_capacity(documents.len());
    let mut commands = Vec::with_capacity(documents.len());
    for index in order.iter().copied() {
        let Some(document) = documents.get(index) else {
            continue;
        };
        let declaration = declare::document(&image, &api.env, document);
        results.push(Applied {
            document: index + 1,
            kind: document.kind(),
            name: document.metadata().name.clone(),
            action: declaration.action,
            changes: declaration.changes,
            object: serde_json::Value::Null,
        });
        commands.push(declaration.command);
    }
    (results, commands)
}

async fn propose(
    api: &Api,
    commands: Vec<Command>,
    results: &[Applied],
    dry_run: bool,
) -> Result<Reply, ProposeError> {
    let nothing_to_do = results.iter().all(|result| result.action == Action::Unchanged);
    let batch = Command::Batch { commands };
    if dry_run || nothing_to_do {
        api.metadata.validate(&batch).map_err(ProposeError::Rejected)
    } else {
        api.metadata.propose(batch).await
    }
}

/// Puts the objects as they are afterwards into the results.
fn fill(results: &mut [Applied], reply: Reply) {
    let Reply::Batch(replies) = reply else { return };
    for (result, reply) in results.iter_mut().zip(replies) {
        result.object = declare::shown(&reply).unwrap_or_default();
    }
}

fn summarise(results: &[Applied]) -> Summary {
    let count = |action| results.iter().filter(|result| result.action == action).count();
    Summary {
        created: count(Action::Created),
        updated: count(Action::Updated),
        unchanged: count(Action::Unchanged),
    }
}

/// The refusal of a batch, naming the document that it is about.
fn refused(error: ProposeError, results: &[Applied]) -> Problem {
    let ProposeError::Rejected(rejection) = error else {
        return error.into();
    };
    let Some(result) = rejection.command.and_then(|index| results.get(index)) else {
        return rejection.into();
    };
    let located = DocumentError {
        document: Some(result.document),
        kind: Some(result.kind.to_string()),
        name: Some(result.name.clone()),
        error: FieldError::new(
            rejection.field.clone().unwrap_or_default(),
            rejection.message.clone(),
        ),
    };
    let kind_and_status = Problem::from(Rejection {
        message: located.to_string(),
        ..rejection
    });
    kind_and_status.about(vec![located])
}
