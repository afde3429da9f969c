//! confluent-kafka for Python, which is librdkafka below: `bench/python/load.py`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Client, output};
use crate::load::{BATCH_BYTES, LINGER_MS, Load, Produced};

/// The program that drives it.
const PROGRAM: &str = include_str!("../../python/load.py");

/// The client in the virtual environment that `cargo xtask setup python` makes.
#[derive(Debug, Clone)]
pub struct Confluent {
    python: PathBuf,
}

#[derive(Deserialize)]
struct Figures {
    records_per_second: f64,
}

impl Confluent {
    /// By the path of the environment's interpreter.
    #[must_use]
    pub fn new(python: PathBuf) -> Confluent {
        Confluent { python }
    }

    fn run(&self, what: &str, load: &Load) -> Result<f64> {
        let mut command = Command::new(&self.python);
        command.args(["-c", PROGRAM, what, &load.bootstrap, &load.topic]);
        command.args([load.records, load.record_size].map(|number| number.to_string()));
        command.args([BATCH_BYTES, LINGER_MS].map(|number| number.to_string()));
        let text = output(&mut command)?;
        let figures: Figures = serde_json::from_str(&text).context("no figures from the Python client")?;
        Ok(figures.records_per_second)
    }
}

impl Client for Confluent {
    fn name(&self) -> &'static str {
        "confluent-kafka (Python)"
    }

    fn produce(&self, load: &Load) -> Result<Produced> {
        let per_second = self.run("produce", load)?;
        Ok(Produced { per_second })
    }

    fn consume(&self, load: &Load) -> Result<f64> {
        self.run("consume", load)
    }
}
