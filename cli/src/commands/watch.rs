//! `tidemill watch`.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tidemill_client::{ErrorKind, Objects, WatchEvent};
use tidemill_resource::Kind;

use super::get::name_of;
use crate::args::Connection;
use crate::error::Failure;
use crate::output::{Format, Output, emit, yaml};

/// Between two connections, doubling while the server does not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
First come the objects there are, as `created`; then every change, until Ctrl-C. When the
connection breaks, or the server restarts, it goes on where it was.

Examples:
  tidemill watch topics
  tidemill watch topics --since 42 -o json";

/// What to follow.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// topics, smartmodules, views or brokers
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
    let mut following = Following {
        since: options.since.clone(),
        left: options.count.unwrap_or(u64::MAX),
        connected: false,
    };
    let mut pause = FIRST_PAUSE;
    while following.left > 0 {
        let seen = following.since.clone();
        match following.follow(&objects, &options).await {
            Ok(()) => {}
            Err(error) if following.can_go_on(&error) => {
                // Said once, however long it takes.
                if pause == FIRST_PAUSE {
                    options.connection.say(format_args!("{error}; trying again"));
                }
            }
            Err(error) => return Err(error),
        }
        pause = match following.since == seen {
            true => (pause * 2).min(LONGEST_PAUSE),
            false => FIRST_PAUSE,
        };
        if following.left > 0 {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(())
}

/// How far it has come, over all connections.
struct Following {
    /// Every change up to this version was shown.
    since: Option<String>,
    /// Changes still to show.
    left: u64,
    /// Whether the server ever answered: a first failure is the user's to mend, a later one passes.
    connected: bool,
}

impl Following {
    /// Follows one connection to its end.
    async fn follow(&mut self, objects: &Objects, options: &Options) -> Result<()> {
        let mut watch = match objects.watch(options.kind.plural(), self.since.as_deref()).await {
            Err(error) if error.kind() == ErrorKind::OutOfRange => return self.begin_anew(options),
            watch => watch?,
        };
        self.connected = true;
        while self.left > 0 {
            let event = match watch.next().await {
                None => break,
                Some(event) => event?,
            };
            if event.kind == "gone" {
                return self.begin_anew(options);
            }
            if event.resource_version.is_some() {
                self.since.clone_from(&event.resource_version);
            }
            if event.kind != "bookmark" {
                show(&event, options)?;
                self.left -= 1;
            }
        }
        Ok(())
    }

    /// The changes since then are no longer known: shows every object again, unless the user asked for just those.
    fn begin_anew(&mut self, options: &Options) -> Result<()> {
        if !self.connected {
            bail!(Failure::new(
                Failure::NOT_FOUND,
                "the server no longer knows that version; watch without --since"
            ));
        }
        options
            .connection
            .say(format_args!("changes were missed; here is what there is now"));
        self.since = None;
        Ok(())
    }

    /// Whether a failure passes: the server restarts, or the network broke.
    fn can_go_on(&self, error: &anyhow::Error) -> bool {
        let kind = error
            .downcast_ref::<tidemill_client::Error>()
            .map(|error| error.kind());
        self.connected && matches!(kind, Some(ErrorKind::Unavailable | ErrorKind::Timeout))
    }
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
