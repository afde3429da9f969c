//! `tidemill apply`.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tidemill_client::{Applied, ErrorKind, Objects};
use tidemill_resource::Kind;
use tokio::time::Instant;

use super::changes;
use super::documents::Documents;
use crate::args::{Connection, Span};
use crate::error::Failure;
use crate::output::Output;

/// Between two looks at an object that is not ready.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const EXAMPLES: &str = "\
All documents are applied, or none is. The answer comes as soon as they are stored: the partitions of a topic
are opened a moment later. With --wait it comes once all of them serve.

Examples:
  tidemill apply -f topics.yaml
  tidemill apply -f deploy/ -o json
  tidemill apply -f topics.yaml --wait
  generate | tidemill apply -f -";

/// What to apply.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    documents: Documents,
    /// Wait until every object is ready, and fail if one is not within this time
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "30s")]
    wait: Option<Span>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> Result<()> {
    let text = options.documents.read()?;
    super::run(async move {
        let objects = options.connection.objects().await?;
        let applied = objects.apply(&text).await?;
        if let Some(Span(patience)) = options.wait {
            all_ready(&objects, &applied, patience).await?;
        }
        options
            .output
            .one(&applied.answer, |_| changes::describe(&applied))
    })
}

/// Waits until every object of the answer is ready.
async fn all_ready(objects: &Objects, applied: &Applied, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    let results = applied.answer.get("results").and_then(Value::as_array);
    for result in results.into_iter().flatten() {
        let part = |name: &str| result.get(name).and_then(Value::as_str);
        let kind = part("kind").and_then(|kind| kind.parse::<Kind>().ok());
        let (Some(kind), Some(name)) = (kind, part("name")) else {
            continue;
        };
        let word = kind.name().to_ascii_lowercase();
        loop {
            let object = match objects.get(kind.plural(), name).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let message =
                        format!("{word} {name} was deleted by somebody else while it was waited for");
                    return Err(Failure::new(Failure::NOT_FOUND, message).into());
                }
                found => found?,
            };
            let Some(why) = not_ready(&object) else {
                break;
            };
            if Instant::now() >= deadline {
                let message = format!(
                    "everything is applied, and {word} {name} is not ready within {patience:?}: {why}; see \
                     `tidemill describe {word} {name}`"
                );
                return Err(Failure::new(Failure::TIMEOUT, message).into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

/// Why an object is not ready in its present generation, if it is not.
fn not_ready(object: &Value) -> Option<String> {
    let generation = object.pointer("/metadata/generation");
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.get("type").is_some_and(|kind| kind == "Ready"));
    let Some(ready) = ready else {
        return Some("its state is not known yet".to_owned());
    };
    let is_seen = object.pointer("/status/observedGeneration") == generation;
    if is_seen && ready.get("status").is_some_and(|status| status == "True") {
        return None;
    }
    let message = ready.get("message").and_then(Value::as_str);
    Some(message.unwrap_or("it does not say why").to_owned())
}
