//! `tidemill produce`.

use std::collections::VecDeque;
use std::io::BufRead;
use std::time::Duration;

use clap::Args;
use tidemill_client::{Delivery, Record};

use super::Connection;

/// Deliveries looked after at once.
const IN_FLIGHT: usize = 50_000;

#[derive(Args)]
pub(crate) struct Options {
    /// Topic to write to
    topic: String,
    /// What divides key from value in a line; without it a line is a value
    #[arg(long, short = 'K')]
    key_separator: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let client = options.connection.open().await?;
    let producer = client.producer().build().await?;
    let mut waiting = VecDeque::<Delivery>::new();
    let mut count = 0u64;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let parts = options
            .key_separator
            .as_deref()
            .and_then(|separator| line.split_once(separator));
        let (key, value) = parts.map_or((None, line.as_str()), |(key, value)| (Some(key), value));
        let mut record = Record::to(&options.topic).value(value.as_bytes());
        if let Some(key) = key {
            record = record.key(key.as_bytes());
        }
        waiting.push_back(producer.enqueue(record).await?);
        if waiting.len() > IN_FLIGHT
            && let Some(first) = waiting.pop_front()
        {
            first.await?;
        }
        count += 1;
    }
    for delivery in waiting {
        delivery.await?;
    }
    producer.close(Duration::from_secs(30)).await?;
    eprintln!("{count} records sent");
    Ok(())
}
