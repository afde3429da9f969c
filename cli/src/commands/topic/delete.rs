//! `tidemill topic delete`.

use anyhow::Result;
use clap::Args;
use tidemill_client::ErrorKind;

use crate::args::Connection;

/// Which topics.
#[derive(Args)]
pub(crate) struct Options {
    /// Their names
    #[arg(required = true)]
    names: Vec<String>,
    /// Be content if there is no such topic
    #[arg(long)]
    if_exists: bool,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let topics = connection.open().await?.topics();
    for name in &options.names {
        match topics.delete(name).await {
            Err(error) if error.kind() == ErrorKind::NotFound && options.if_exists => {
                connection.say(format_args!("there is no topic {name}"));
            }
            outcome => {
                outcome?;
                connection.say(format_args!("deleted topic {name}"));
            }
        }
    }
    Ok(())
}
