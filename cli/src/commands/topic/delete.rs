//! `tidemill topic delete`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_client::ErrorKind;

use crate::args::Connection;
use crate::output::Output;

/// Which topics.
#[derive(Args)]
pub(crate) struct Options {
    /// Their names
    #[arg(required = true)]
    names: Vec<String>,
    /// Be content if there is no such topic
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let topics = connection.open().await?.topics();
    let mut done = Vec::with_capacity(options.names.len());
    for name in &options.names {
        let deleted = match topics.delete(name).await {
            Err(error) if error.kind() == ErrorKind::NotFound && options.if_exists => {
                connection.say(format_args!("there is no topic {name}"));
                false
            }
            outcome => {
                outcome?;
                connection.say(format_args!("deleted topic {name}"));
                true
            }
        };
        done.push(json!({"name": name, "deleted": deleted}));
    }
    options.output.done(&Value::Array(done))
}
