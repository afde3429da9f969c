//! `tidemill consume`.

use std::io::{BufWriter, ErrorKind, Write};
use std::time::Duration;

use clap::Args;
use tidemill_client::Start;

use crate::args::{Connection, PositionArgs};

#[derive(Args)]
pub(crate) struct Options {
    /// Topic to read
    topic: String,
    #[command(flatten)]
    position: PositionArgs,
    /// Stop at the end of the topic as it is now
    #[arg(long)]
    until_end: bool,
    /// Stop after this many records
    #[arg(long, short = 'n')]
    count: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    super::run_wide(consume(options))
}

async fn consume(options: Options) -> anyhow::Result<()> {
    let client = options.connection.open().await?;
    let start = options.position.given().unwrap_or(Start::Latest);
    let mut consumer = client
        .consumer()
        .topic(&options.topic)
        .start(start)
        .stop_at_end(options.until_end)
        .build()
        .await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut left = options.count.unwrap_or(u64::MAX);
    while left > 0 && !consumer.finished() {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(10_000);
        let records = consumer.next_batch(most, Duration::from_millis(500)).await?;
        for record in records.iter() {
            let written = out
                .write_all(record?.value.unwrap_or_default())
                .and_then(|()| out.write_all(b"\n"));
            // Whoever reads has seen enough.
            if closed(written)? {
                return Ok(());
            }
            left -= 1;
        }
        if closed(out.flush())? {
            return Ok(());
        }
    }
    Ok(())
}

fn closed(written: std::io::Result<()>) -> std::io::Result<bool> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        other => other.map(|()| false),
    }
}
