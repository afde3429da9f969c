//! `tidemill describe`.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tidemill_resource::Kind;

use crate::args::Connection;
use crate::output::{Output, table, yaml};

/// Which object.
#[derive(Args)]
#[command(after_help = "Example:\n  tidemill describe topic orders")]
pub(crate) struct Options {
    /// topic, smartmodule, view, broker, partition or consumergroup
    kind: Kind,
    /// The object's name
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let objects = options.connection.objects().await?;
    let object = objects.get(options.kind.plural(), &options.name).await?;
    options.output.one(&object, for_people)
}

/// The conditions as a table, the rest as YAML.
fn for_people(object: &Value) -> String {
    let mut rest = object.clone();
    let status = rest.pointer_mut("/status").and_then(Value::as_object_mut);
    let conditions = status.and_then(|status| status.remove("conditions"));
    let mut text = yaml(&rest)
        .unwrap_or_else(|_| rest.to_string())
        .trim_end()
        .to_owned();
    if let Some(Value::Array(conditions)) = conditions
        && !conditions.is_empty()
    {
        let columns = [
            ("CONDITION", "/type"),
            ("STATUS", "/status"),
            ("REASON", "/reason"),
            ("MESSAGE", "/message"),
        ];
        let _ = write!(text, "\n\n{}", table(&conditions, &columns));
    }
    text
}
