//! `tidemill delete`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::{ErrorKind, Objects};
use tidemill_resource::Kind;
use tidemill_resource::document::{self, Declared};

use super::documents;
use crate::args::Connection;
use crate::error::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  tidemill delete topic orders
  tidemill delete -f topics.yaml --ignore-not-found";

/// What to delete.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// topic, smartmodule, view or consumergroup
    #[arg(required_unless_present = "files", conflicts_with = "files")]
    kind: Option<Kind>,
    /// Names of the objects
    #[arg(requires = "kind")]
    names: Vec<String>,
    /// Delete what these documents name; as `apply -f`
    #[arg(long = "file", short = 'f', value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Be content if an object is not there
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> Result<()> {
    let doomed = doomed(&options)?;
    super::run(async move {
        let objects = options.connection.objects().await?;
        let mut done = Vec::with_capacity(doomed.len());
        for (kind, name) in doomed {
            let deleted = delete(&objects, kind, &name, &options).await?;
            done.push(json!({"kind": kind, "name": name, "deleted": deleted}));
        }
        options.output.done(&Value::Array(done))
    })
}

fn doomed(options: &Options) -> Result<Vec<(Kind, String)>> {
    if let Some(kind) = options.kind {
        if options.names.is_empty() {
            bail!(Failure::usage(format!(
                "which? Name a {kind}, as in `tidemill delete {} NAME`",
                kind.plural()
            )));
        }
        return Ok(options.names.iter().map(|name| (kind, name.clone())).collect());
    }
    let text = documents::read(&options.files)?;
    let declared = document::parse(&text).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::usage(lines.join("\n  "))
    })?;
    Ok(users_first(declared))
}

/// What others use goes last: views, each before the one it reads, then topics, then SmartModules.
fn users_first(mut declared: Vec<Declared>) -> Vec<(Kind, String)> {
    let mut ordered = Vec::with_capacity(declared.len());
    while !declared.is_empty() {
        let is_used = |object: &Declared| {
            declared.iter().any(|other| match (other, object.kind()) {
                (Declared::View(view), Kind::View) => view.spec.source == object.metadata().name,
                (Declared::View(_), _) => true,
                (Declared::Topic(_), kind) => kind == Kind::SmartModule,
                (Declared::SmartModule(_), _) => false,
            })
        };
        // Views in a circle were never stored: any order will do for them.
        let next = declared.iter().position(|object| !is_used(object)).unwrap_or(0);
        let object = declared.remove(next);
        ordered.push((object.kind(), object.metadata().name.clone()));
    }
    ordered
}

async fn delete(objects: &Objects, kind: Kind, name: &str, options: &Options) -> Result<bool> {
    match objects.delete(kind.plural(), name).await {
        Err(error) if error.kind() == ErrorKind::NotFound && options.ignore_not_found => {
            options.connection.say(format_args!("there is no {kind} {name}"));
            Ok(false)
        }
        outcome => {
            outcome?;
            options.connection.say(format_args!("deleted {kind} {name}"));
            Ok(true)
        }
    }
}
