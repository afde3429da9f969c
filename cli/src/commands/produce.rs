//! `tidemill produce`.

pub(super) mod input;
pub(super) mod json_line;
mod pace;
mod progress;
mod send;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use tidemill_client::{Acks, Client, Compression, Producer, ProducerBuilder};

use crate::args::{Connection, Rate, Setting, Span};
use crate::error::Failure;
use crate::interrupt::Interrupt;

const EXAMPLES: &str = "\
Examples:
  echo hello | tidemill produce greetings
  tidemill produce orders -K : < orders.txt                  # lines such as customer-7:{\"total\": 9}
  tidemill produce orders --json-lines export.jsonl --compression zstd
  tidemill produce images --file cat.png --key cat --header type=image/png

A JSON line is an object with any of key, value, headers, partition, timestamp (milliseconds or RFC 3339). A value that
is no string is sent as its JSON text; null or none is a tombstone; keyBase64 and valueBase64 carry bytes.
`tidemill consume --format json` prints such lines.";

/// What to send, and how.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Topic to write to
    topic: String,
    /// Files of lines, - for standard input; standard input by default
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    delivery: Delivery,
    /// Send at most this many records a second: 1000, 1000/s, 0.5/s
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    #[command(flatten)]
    connection: Connection,
}

/// How input becomes records.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Records")]
pub(crate) struct Shape {
    /// What divides key from value in a line; without it a line is a value
    #[arg(long, short = 'K', value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new(), conflicts_with_all = ["json_lines", "files"])]
    key_separator: Option<String>,
    /// Each line is a JSON object: key, value, headers, partition, timestamp
    #[arg(long, conflicts_with = "files")]
    json_lines: bool,
    /// Send this whole file as one record; may be given again
    #[arg(long = "file", value_name = "PATH", conflicts_with = "inputs")]
    files: Vec<PathBuf>,
    /// Key of every record that brings none
    #[arg(long)]
    key: Option<String>,
    /// A header of every record; may be given again
    #[arg(long = "header", short = 'H', value_name = "NAME=VALUE")]
    headers: Vec<Setting>,
    /// Send to this partition, not where the key or chance decides
    #[arg(long, short = 'p', value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// A line or value that is this text is a tombstone (no value)
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
}

/// How records are sent. Also the settings of `bench produce`.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Delivery")]
pub(crate) struct Delivery {
    /// Compress batches
    #[arg(long, short = 'z', value_enum, default_value = "none")]
    compression: Codec,
    /// How hard to compress; the codec's default where not given
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    compression_level: Option<i32>,
    /// What must have happened before a record counts as sent
    #[arg(long, value_enum, default_value = "all")]
    acks: AckLevel,
    /// Wait this long for more records to fill a batch
    #[arg(long, default_value = "0ms", value_name = "SPAN")]
    linger: Span,
    /// Largest batch, in bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: Option<u32>,
    /// Give up on a record after this long
    #[arg(long, default_value = "2m", value_name = "SPAN")]
    timeout: Span,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AckLevel {
    /// Sent
    #[value(alias = "0")]
    None,
    /// The leader has it
    #[value(alias = "1")]
    Leader,
    /// It is as durable as the topic promises
    #[value(alias = "-1")]
    All,
}

impl Delivery {
    /// A producer of these settings.
    pub(crate) async fn producer(&self, client: &Client) -> Result<Producer> {
        Ok(self.builder(client)?.build().await?)
    }

    /// The description of such a producer.
    pub(crate) fn builder(&self, client: &Client) -> Result<ProducerBuilder> {
        let compression = match self.compression {
            Codec::None => Compression::None,
            Codec::Gzip => Compression::Gzip,
            Codec::Snappy => Compression::Snappy,
            Codec::Lz4 => Compression::Lz4,
            Codec::Zstd => Compression::Zstd,
        };
        let acks = match self.acks {
            AckLevel::None => Acks::None,
            AckLevel::Leader => Acks::Leader,
            AckLevel::All => Acks::All,
        };
        let mut builder = client
            .producer()
            .compression(compression)
            .acks(acks)
            .linger(self.linger.0)
            .delivery_timeout(self.timeout.0);
        if let Some(level) = self.compression_level {
            builder = builder.compression_level(level);
        }
        if let Some(bytes) = self.batch_size {
            builder = builder.batch_size(usize::try_from(bytes)?);
        }
        Ok(builder)
    }

    /// Bytes at which a batch is full.
    pub(crate) fn batch_bytes(&self) -> usize {
        /// The client's default.
        const DEFAULT: usize = 256 << 10;
        let given = self.batch_size.and_then(|bytes| usize::try_from(bytes).ok());
        given.unwrap_or(DEFAULT)
    }

    /// How long a record may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.0
    }

    /// The settings that matter to who compares figures.
    pub(crate) fn settings(&self) -> serde_json::Value {
        serde_json::json!({
            "acks": format!("{:?}", self.acks).to_lowercase(),
            "compression": format!("{:?}", self.compression).to_lowercase(),
            "compressionLevel": self.compression_level,
            "lingerMs": self.linger.0.as_millis(),
            "batchSize": self.batch_bytes(),
        })
    }
}

pub(crate) fn run(options: Options) -> Result<()> {
    super::run_wide(async move {
        let interrupt = Interrupt::listen()?;
        let opened = async {
            let client = options.connection.open().await?;
            // A topic that is not there is told before the input is read.
            check_partition(&client, &options).await?;
            options.delivery.producer(&client).await
        };
        let producer = tokio::select! {
            producer = opened => producer?,
            code = interrupt.received() => bail!(Failure::silent(code)),
        };
        if options.inputs.is_empty() && options.shape.files.is_empty() && std::io::stdin().is_terminal() {
            options.connection.say("each line is a record; Ctrl-D ends");
        }
        send::all(&options, &producer, &interrupt).await
    })
}

async fn check_partition(client: &Client, options: &Options) -> Result<()> {
    let topic = client.topics().describe(&options.topic).await?;
    let count = i32::try_from(topic.partitions.len())?;
    match options.shape.partition {
        Some(partition) if partition >= count => {
            let message = format!(
                "topic {:?} has no partition {partition}: it has {count}, numbered from 0",
                options.topic
            );
            Err(Failure::new(Failure::NOT_FOUND, message).into())
        }
        _ => Ok(()),
    }
}
