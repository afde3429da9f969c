//! `tidemill topic list`.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::args::Connection;
use crate::output::Output;

/// Which topics.
#[derive(Args)]
pub(crate) struct Options {
    /// Also those that the server keeps for itself
    #[arg(long)]
    internal: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(options: Options, connection: &Connection) -> Result<()> {
    let topics = connection.open().await?.topics().list().await?;
    let rows: Vec<_> = topics
        .iter()
        .filter(|topic| options.internal || !topic.internal)
        .map(|topic| {
            json!({
                "name": topic.name,
                "partitions": topic.partitions,
                "replicationFactor": topic.replication,
                "internal": topic.internal,
                "id": topic.id,
            })
        })
        .collect();
    options.output.list(
        &rows,
        &[
            ("NAME", "/name"),
            ("PARTITIONS", "/partitions"),
            ("REPLICAS", "/replicationFactor"),
            ("ID", "/id"),
        ],
    )
}
