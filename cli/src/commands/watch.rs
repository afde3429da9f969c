//! `tidemill watch`.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tidemill_client::{ErrorKind, Objects, WatchEvent};
use tidemill_resource::Kind;

use super::get::name_of;
use crate::args::Connection;
use crate::error::Failure;
use crate::output::{Format, Output, emit, yaml};

const EXAMPLES: &str = "\
First come the objects there are, as `created`; then every change, until Ctrl-C.

Examples:
  tidemill watch topics
  tidemill watch topics --since 42 -o json";

/// What to follow.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// topics or brokers
    kind: Kind,
    /// Only changes after this resource version
    #[arg(long, value_name = "VERSION")]
    since: Option<String>,
    /// Stop after this many changes
    #[arg(long, short = 'n', value_name = "COUNT")]
    count: Option<u64>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let objects = options.connection.objects().await?;
    let mut since = options.since.clone();
    let mut left = options.count.unwrap_or(u64::MAX);
    while left > 0 {
        left = follow(&objects, &options, &mut since, left).await?;
    }
    Ok(())
}

/// Follows one connection to its end; answers how many changes are left to show.
async fn follow(
    objects: &Objects,
    options: &Options,
    since: &mut Option<String>,
    mut left: u64,
) -> Result<u64> {
    let mut watch = objects.watch(options.kind.plural(), since.as_deref()).await?;
    while left > 0 {
        let event = match watch.next().await {
            None => break,
            Some(Err(error)) if error.kind() == ErrorKind::Unavailable && since.is_some() => {
                options.connection.say(format_args!("{error}; going on"));
                break;
            }
            Some(event) => event?,
        };
        if event.resource_version.is_some() {
            since.clone_from(&event.resource_version);
        }
        match event.kind.as_str() {
            "bookmark" => {}
            "gone" => bail!(Failure::new(
                Failure::NOT_FOUND,
                "the server no longer knows that version; watch without --since"
            )),
            _ => {
                show(&event, options)?;
                left -= 1;
            }
        }
    }
    Ok(left)
}

fn show(event: &WatchEvent, options: &Options) -> Result<()> {
    let document =
        || json!({"event": event.kind, "resourceVersion": event.resource_version, "object": event.object});
    match options.output.output {
        Format::Table => {
            let version = event
                .object
                .pointer("/metadata/resourceVersion")
                .map_or("-".to_owned(), ToString::to_string);
            let condition = |part: &str| {
                let place = format!("/status/conditions/0/{part}");
                event
                    .object
                    .pointer(&place)
                    .and_then(|value| value.as_str())
                    .unwrap_or("-")
                    .to_owned()
            };
            emit(&format!(
                "{:<8} {} {}  version {}  {}={}",
                event.kind,
                options.kind,
                name_of(&event.object),
                version.trim_matches('"'),
                condition("type"),
                condition("status")
            ))
        }
        Format::Json => emit(&serde_json::to_string(&document())?),
        Format::Yaml => emit(&format!("---\n{}", yaml(&document())?.trim_end())),
    }
}
