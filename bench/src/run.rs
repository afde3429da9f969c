//! The rounds: every server in turn within each round, so that a slow moment of the machine falls on all.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::client::Client;
use crate::client::confluent::Confluent;
use crate::client::kafka_tools::Tools;
use crate::client::tidemill::Tidemill as OwnClient;
use crate::load::{Durability, Load};
use crate::machine;
use crate::peer::Subject;
use crate::process;
use crate::report::{Report, Row, Section};
use crate::rest;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the set-up installed Kafka's jars and the Python clients.
    pub installed: PathBuf,
    /// The `tidemill` binary.
    pub server: PathBuf,
    /// Whether Kafka is measured too.
    pub with_kafka: bool,
    /// Which clients send and read as fast as they can: `tidemill`, `java`, `confluent`.
    pub clients: Vec<String>,
    /// Bytes of a record.
    pub record_sizes: Vec<u64>,
    /// Partitions of a topic.
    pub partitions: Vec<u32>,
    /// Bytes sent in each round.
    pub bytes: u64,
    /// Connections that do nothing, whose memory is measured; 0 leaves it out.
    pub connections: usize,
    /// GiB of log to start on; 0 leaves it out.
    pub log_gib: u64,
    /// Whether nothing but servers at rest is measured.
    pub only_rest: bool,
    /// Rounds of each measurement.
    pub rounds: usize,
    /// Records a second at which latency is measured.
    pub latency_rates: Vec<u64>,
    /// How long latency is measured in each round, in seconds; 0 leaves it out.
    pub latency_seconds: u64,
}

/// What the clients and the servers take besides the records themselves, at most.
const WORKING_MEMORY: u64 = 256 << 20;
/// Bytes of the records whose latency is measured.
const LATENCY_RECORD: u64 = 1024;

struct Run<'a> {
    plan: &'a Plan,
    dir: &'a Path,
    own: OwnClient,
    subjects: Vec<Subject>,
    topics: u64,
}

/// Runs the plan.
///
/// # Errors
/// A server does not start, a client fails, or a record was lost, came twice or out of order.
pub fn all(plan: &Plan) -> Result<Report> {
    let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
    // Before the others are started: they would take their share of the machine.
    let mut sections = vec![rest::section(plan, dir.path())?];
    let mut subjects = vec![Subject::tidemill(&plan.server, &dir.path().join("tidemill"))?];
    if plan.with_kafka {
        subjects.push(Subject::kafka(
            &plan.installed.join("kafka/jars"),
            dir.path().join("kafka"),
        )?);
    }
    let mut run = Run {
        own: OwnClient::new(plan.server.clone()),
        plan,
        dir: dir.path(),
        subjects,
        topics: 0,
    };
    if plan.only_rest {
        return Ok(run.report(sections));
    }
    if plan.latency_seconds > 0 {
        for durability in [Durability::Disk, Durability::Interval] {
            sections.push(run.latency(durability)?);
        }
    }
    for name in &plan.clients {
        let client: Box<dyn Client> = match name.as_str() {
            "java" => Box::new(Tools::new(plan.installed.join("kafka/jars"))),
            "confluent" => Box::new(Confluent::new(plan.installed.join("python/bin/python"))),
            _ => Box::new(run.own.clone()),
        };
        for durability in [Durability::Disk, Durability::PageCache] {
            sections.push(run.throughput(client.as_ref(), durability)?);
        }
    }
    let memory = run.once("memory after all of the above, MiB", |subject| {
        process::resident_mib(subject.pid())
    })?;
    sections.push(Section {
        title: "After the load".to_owned(),
        rows: vec![memory],
    });
    Ok(run.report(sections))
}

impl Run<'_> {
    fn report(&self, sections: Vec<Section>) -> Report {
        Report {
            servers: self.subjects.iter().map(Subject::name).collect(),
            machine: machine::describe(),
            sections,
        }
    }

    fn once(&self, measure: &str, value: impl Fn(&Subject) -> Result<f64>) -> Result<Row> {
        let mut row = Row::new(measure.to_owned(), false, self.subjects.len());
        for (values, subject) in row.values.iter_mut().zip(&self.subjects) {
            values.push(value(subject)?);
        }
        Ok(row)
    }

    /// A load on a fresh topic of the server `at`.
    fn load(&mut self, at: usize, durability: Durability, shape: (u32, u64, u64)) -> Result<Load> {
        self.topics += 1;
        let (partitions, records, record_size) = shape;
        let subject = &self.subjects[at];
        let load = Load {
            bootstrap: subject.bootstrap(),
            topic: format!("bench-{}", self.topics),
            partitions,
            records,
            record_size,
        };
        self.own.create(&load, &subject.settings(durability))?;
        Ok(load)
    }

    fn latency(&mut self, durability: Durability) -> Result<Section> {
        let mut rows = Vec::new();
        let servers = self.subjects.len();
        for &rate in &self.plan.latency_rates {
            let row = |name: &str| Row::new(format!("{name} at {rate} records/s, ms"), false, servers);
            let mut percentiles = ["p50", "p99", "p99.9"].map(row);
            for _ in 0..self.plan.rounds {
                for at in 0..servers {
                    let load = self.load(at, durability, (1, 0, LATENCY_RECORD))?;
                    let latency = self.own.latency(&load, rate, self.plan.latency_seconds)?;
                    self.own.delete(&load)?;
                    let values = [latency.p50, latency.p99, latency.p999];
                    for (row, value) in percentiles.iter_mut().zip(values) {
                        row.values[at].push(value);
                    }
                }
            }
            rows.extend(percentiles);
        }
        let title = format!(
            "Produce to consume, {LATENCY_RECORD} B, 1 partition, {}; Tidemill's client",
            durability.name()
        );
        Ok(Section { title, rows })
    }

    /// Produces to and consumes from a fresh topic in each round.
    fn throughput(&mut self, client: &dyn Client, durability: Durability) -> Result<Section> {
        let plan = self.plan;
        let mut rows = Vec::new();
        for &partitions in &plan.partitions {
            for &size in &plan.record_sizes {
                rows.extend(self.rounds(
                    client,
                    durability,
                    (partitions, (plan.bytes / size).max(1), size),
                )?);
            }
        }
        let title = format!("{}, `acks=all`, {}", client.name(), durability.name());
        Ok(Section { title, rows })
    }

    fn rounds(
        &mut self,
        client: &dyn Client,
        durability: Durability,
        shape: (u32, u64, u64),
    ) -> Result<[Row; 4]> {
        let (partitions, records, size) = shape;
        let servers = self.subjects.len();
        let row = |measure: &str, larger_is_better| {
            let plural = if partitions == 1 { "" } else { "s" };
            let measure = format!("{measure}, {size} B, {partitions} partition{plural}");
            Row::new(measure, larger_is_better, servers)
        };
        let mut produced = row("produced records/s", true);
        let mut consumed = row("consumed records/s", true);
        let mut cpu_in = row("server CPU s/GiB in", false);
        let mut cpu_out = row("server CPU s/GiB out", false);
        let gib = (records * size) as f64 / f64::from(1 << 30);
        for _ in 0..self.plan.rounds {
            for at in 0..servers {
                let load = self.load(at, durability, shape)?;
                let pid = self.subjects[at].pid();
                let bytes = self.plan.bytes;
                machine::take_memory(self.dir, bytes + bytes / 4 + WORKING_MEMORY)?;
                let before = process::cpu_seconds(pid)?;
                let sent = client.produce(&load)?;
                let between = process::cpu_seconds(pid)?;
                let read = client.consume(&load)?;
                let after = process::cpu_seconds(pid)?;
                self.own.delete(&load)?;
                produced.values[at].push(sent.per_second);
                consumed.values[at].push(read);
                cpu_in.values[at].push((between - before) / gib);
                cpu_out.values[at].push((after - between) / gib);
            }
        }
        Ok([produced, consumed, cpu_in, cpu_out])
    }
}
