//! The rounds: every server in turn within each round, so that a slow moment of the machine falls on all.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::load::{Load, Tools};
use crate::peer::kafka::{Kafka, Settings};
use crate::peer::tidemill::Tidemill;
use crate::process;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Kafka's tools.
    pub tools: Tools,
    /// The `tidemill` binary.
    pub server: PathBuf,
    /// Whether Kafka is measured too.
    pub with_kafka: bool,
    /// Bytes of a record.
    pub record_sizes: Vec<u64>,
    /// Partitions of a topic.
    pub partitions: Vec<u32>,
    /// Bytes sent in each round.
    pub bytes: u64,
    /// Rounds of each measurement.
    pub rounds: usize,
}

/// One row of the table: the same measure of every server, a value for each round.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured, and its unit.
    pub measure: String,
    /// Whether a larger value is the better one.
    pub larger_is_better: bool,
    /// For each server, in the order of [`Report::servers`], a value for each round.
    pub values: Vec<Vec<f64>>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Names of the servers.
    pub servers: Vec<&'static str>,
    /// The measures.
    pub rows: Vec<Row>,
}

/// A server under load.
enum Subject {
    Tidemill(Tidemill),
    Kafka(Kafka),
}

impl Subject {
    fn bootstrap(&self) -> String {
        match self {
            Subject::Tidemill(server) => server.address().to_owned(),
            Subject::Kafka(server) => server.address().to_string(),
        }
    }

    fn pid(&self) -> u32 {
        match self {
            Subject::Tidemill(server) => server.pid(),
            Subject::Kafka(server) => server.pid(),
        }
    }

    fn started_ms(&self) -> f64 {
        let started_in = match self {
            Subject::Tidemill(server) => server.started_in(),
            Subject::Kafka(server) => server.started_in(),
        };
        started_in.as_secs_f64() * 1e3
    }
}

/// Runs the plan.
///
/// # Errors
/// A server does not start, a tool fails, or a record was lost or stored twice.
pub fn all(plan: &Plan) -> Result<Report> {
    let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
    let mut servers = vec!["Tidemill"];
    let mut subjects = vec![Subject::Tidemill(Tidemill::start(
        &plan.server,
        &dir.path().join("tidemill"),
    )?)];
    if plan.with_kafka {
        servers.push("Kafka");
        subjects.push(Subject::Kafka(start_kafka(plan, dir.path().join("kafka"))?));
    }
    let mut rows = vec![
        once("start to ready, ms", subjects.iter().map(Subject::started_ms)),
        once("memory when idle, MiB", resident(&subjects)?),
    ];
    for &partitions in &plan.partitions {
        for &size in &plan.record_sizes {
            rows.extend(throughput(plan, &subjects, partitions, size)?);
        }
    }
    rows.push(once("memory after the load, MiB", resident(&subjects)?));
    Ok(Report { servers, rows })
}

/// Kafka with the durability that Tidemill has by default: every acknowledged batch is flushed.
fn start_kafka(plan: &Plan, dir: PathBuf) -> Result<Kafka> {
    let flush = ("log.flush.interval.messages".to_owned(), "1".to_owned());
    Kafka::start(&Settings {
        jars: plan.tools.jars(),
        dir,
        heap_mib: 1024,
        properties: vec![flush],
    })
}

fn resident(subjects: &[Subject]) -> Result<Vec<f64>> {
    subjects
        .iter()
        .map(|subject| process::resident_mib(subject.pid()))
        .collect()
}

fn once(measure: &str, values: impl IntoIterator<Item = f64>) -> Row {
    let values = values.into_iter().map(|value| vec![value]).collect();
    Row {
        measure: measure.to_owned(),
        larger_is_better: false,
        values,
    }
}

/// Produces to and consumes from a fresh topic in each round.
fn throughput(plan: &Plan, subjects: &[Subject], partitions: u32, size: u64) -> Result<Vec<Row>> {
    let records = (plan.bytes / size).max(1);
    let row = |measure: &str, larger_is_better| Row {
        measure: format!("{measure}, {size} B, {partitions} partitions"),
        larger_is_better,
        values: vec![Vec::new(); subjects.len()],
    };
    let mut produced = row("produce records/s", true);
    let mut latency = row("produce p99, ms", false);
    let mut consumed = row("consume records/s", true);
    let mut cpu = row("server CPU s/GiB, in and out", false);
    for round in 0..plan.rounds {
        for (at, subject) in subjects.iter().enumerate() {
            let topic = format!("bench-{partitions}-{size}-{round}");
            let load = Load {
                bootstrap: subject.bootstrap(),
                topic,
                partitions,
                records,
                record_size: size,
            };
            let before = process::cpu_seconds(subject.pid())?;
            plan.tools.create(&load)?;
            let sent = plan.tools.produce(&load)?;
            let read = plan.tools.consume(&load)?;
            let used = process::cpu_seconds(subject.pid())? - before;
            plan.tools.verify(&load)?;
            produced.values[at].push(sent.per_second);
            latency.values[at].push(sent.p99_ms);
            consumed.values[at].push(read);
            cpu.values[at].push(used / (2.0 * plan.bytes as f64 / f64::from(1 << 30)));
        }
    }
    Ok(vec![produced, latency, consumed, cpu])
}
