//! Tidemill's own client: `tidemill bench`, which checks every record for loss, duplicates and order.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Client, output};
use crate::load::{BATCH_BYTES, LINGER_MS, Latency, Load, Produced};

/// The command line of the binary under test; its client talks to any Kafka server.
#[derive(Debug, Clone)]
pub struct Tidemill {
    binary: PathBuf,
}

impl Tidemill {
    /// By the path of the binary.
    #[must_use]
    pub fn new(binary: PathBuf) -> Tidemill {
        Tidemill { binary }
    }

    /// Makes the topic with these settings.
    ///
    /// # Errors
    /// The server refuses.
    pub fn create(&self, load: &Load, settings: &[&str]) -> Result<()> {
        let partitions = load.partitions.to_string();
        let mut command = self.command(["topic", "create"], load);
        command.args(["--partitions", &partitions]);
        for setting in settings {
            command.args(["--config", setting]);
        }
        output(&mut command).map(drop)
    }

    /// Removes the topic, so that the next measurement finds the disk as this one did.
    ///
    /// # Errors
    /// The server refuses.
    pub fn delete(&self, load: &Load) -> Result<()> {
        output(&mut self.command(["topic", "delete"], load)).map(drop)
    }

    /// Sends at `rate` records a second for `seconds`, and reads at the same time.
    ///
    /// # Errors
    /// A record was lost, came twice or out of order, or the server failed.
    pub fn latency(&self, load: &Load, rate: u64, seconds: u64) -> Result<Latency> {
        let mut command = self.command(["bench", "latency"], load);
        command.args(["--use-existing", "--output", "json"]);
        command.args([
            "--rate",
            &format!("{rate}/s"),
            "--duration",
            &format!("{seconds}s"),
        ]);
        command.args(["--record-size", &load.record_size.to_string()]);
        let figures = figures(&output(&mut command)?)?;
        let of = |name: &str| figures["produceToConsumeMs"][name].as_f64();
        let latency = || {
            Some(Latency {
                p50: of("p50")?,
                p99: of("p99")?,
                p999: of("p99.9")?,
            })
        };
        latency().context("no latency in the figures")
    }

    /// `tidemill {words} {topic}`, by the server of `load`.
    fn command(&self, words: [&str; 2], load: &Load) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words).arg(&load.topic);
        command.args(["--bootstrap", &load.bootstrap, "--quiet"]);
        command
    }
}

impl Client for Tidemill {
    fn name(&self) -> &'static str {
        "Tidemill's client"
    }

    fn produce(&self, load: &Load) -> Result<Produced> {
        let mut command = self.command(["bench", "produce"], load);
        command.args(["--use-existing", "--output", "json"]);
        command.args([
            "--records",
            &load.records.to_string(),
            "--record-size",
            &load.record_size.to_string(),
        ]);
        command.args([
            "--batch-size",
            &BATCH_BYTES.to_string(),
            "--linger",
            &format!("{LINGER_MS}ms"),
        ]);
        let per_second = rate(&figures(&output(&mut command)?)?)?;
        Ok(Produced { per_second })
    }

    fn consume(&self, load: &Load) -> Result<f64> {
        let mut command = self.command(["bench", "consume"], load);
        command.args(["--output", "json"]);
        rate(&figures(&output(&mut command)?)?)
    }
}

fn figures(text: &str) -> Result<Value> {
    let figures: Value = serde_json::from_str(text).context("no JSON from tidemill bench")?;
    ensure!(figures["verified"] == true, "the run was not verified: {figures}");
    Ok(figures)
}

fn rate(figures: &Value) -> Result<f64> {
    figures["recordsPerSecond"]
        .as_f64()
        .context("no rate in the figures")
}
