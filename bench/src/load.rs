//! The load: Kafka's own performance tools, the same against every server.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Kafka's tools.
#[derive(Debug, Clone)]
pub struct Tools {
    jars: PathBuf,
}

/// One topic on one server, and what is sent to it.
#[derive(Debug, Clone)]
pub struct Load {
    /// `host:port` of the server.
    pub bootstrap: String,
    /// The topic; it must not exist.
    pub topic: String,
    /// Its partitions.
    pub partitions: u32,
    /// How many records.
    pub records: u64,
    /// Bytes of each.
    pub record_size: u64,
}

/// What one round of producing came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Produced {
    /// Records acknowledged a second.
    pub per_second: f64,
    /// 99th percentile of the time to an acknowledgement, in ms.
    pub p99_ms: f64,
}

impl Tools {
    /// Tools from the jars that `cargo xtask setup kafka` fetched.
    #[must_use]
    pub fn new(jars: PathBuf) -> Tools {
        Tools { jars }
    }

    /// Where the jars are.
    #[must_use]
    pub fn jars(&self) -> PathBuf {
        self.jars.clone()
    }

    /// Makes the topic.
    ///
    /// # Errors
    /// The tool fails, with what it said.
    pub fn create(&self, load: &Load) -> Result<()> {
        let partitions = load.partitions.to_string();
        let arguments = [
            "--create",
            "--topic",
            &load.topic,
            "--partitions",
            &partitions,
            "--replication-factor",
            "1",
        ];
        self.call("TopicCommand", &load.bootstrap, &arguments).map(drop)
    }

    /// Sends every record as fast as it goes, with `acks=all`.
    ///
    /// # Errors
    /// The tool fails, or not every record was acknowledged.
    pub fn produce(&self, load: &Load) -> Result<Produced> {
        let records = load.records.to_string();
        let size = load.record_size.to_string();
        let bootstrap = format!("bootstrap.servers={}", load.bootstrap);
        let mut command = self.java("ProducerPerformance");
        command.args([
            "--topic",
            &load.topic,
            "--num-records",
            &records,
            "--record-size",
            &size,
        ]);
        command.args(["--throughput", "-1", "--producer-props", &bootstrap, "acks=all"]);
        command.args(["batch.size=262144", "linger.ms=5", "buffer.memory=134217728"]);
        let text = output(&mut command)?;
        parse_produced(&text, load.records)
    }

    /// Reads every record; answers records a second.
    ///
    /// # Errors
    /// The tool fails, or fewer records came than were sent.
    pub fn consume(&self, load: &Load) -> Result<f64> {
        let records = load.records.to_string();
        let arguments = [
            "--topic",
            &load.topic,
            "--num-records",
            &records,
            "--timeout",
            "60000",
        ];
        let text = self.call("ConsumerPerformance", &load.bootstrap, &arguments)?;
        parse_consumed(&text, load.records)
    }

    /// Fails unless the topic holds exactly the records that were sent: none lost, none twice.
    ///
    /// # Errors
    /// It does not, or the tool fails.
    pub fn verify(&self, load: &Load) -> Result<()> {
        let text = self.call("GetOffsetShell", &load.bootstrap, &["--topic", &load.topic])?;
        let stored: u64 = text
            .lines()
            .filter_map(|line| line.rsplit_once(':')?.1.trim().parse::<u64>().ok())
            .sum();
        ensure!(
            stored == load.records,
            "{} records were acknowledged, {stored} are stored",
            load.records
        );
        Ok(())
    }

    fn call(&self, tool: &str, bootstrap: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.java(tool);
        output(command.args(["--bootstrap-server", bootstrap]).args(arguments))
    }

    fn java(&self, tool: &str) -> Command {
        let mut command = Command::new("java");
        command.args(["-Xmx1g", "-cp"]).arg(self.jars.join("*"));
        command.arg(format!("org.apache.kafka.tools.{tool}"));
        command
    }
}

fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot start java: run `cargo xtask setup`")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "Kafka's tool failed: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(text)
}

/// `200000 records sent, 28943.56 records/sec (...), 853.14 ms avg latency, ..., 1542 ms 99th, 1585 ms 99.9th.`
fn parse_produced(text: &str, records: u64) -> Result<Produced> {
    let line = text
        .lines()
        .rfind(|line| line.contains("99th"))
        .context("no summary of producing")?;
    let sent: u64 = number_before(line, " records sent").context("no count in the summary")?;
    ensure!(sent == records, "{sent} of {records} records were acknowledged");
    Ok(Produced {
        per_second: number_before(line, " records/sec").context("no rate in the summary")?,
        p99_ms: number_before(line, " ms 99th").context("no latency in the summary")?,
    })
}

/// The last line has, separated by commas: start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, ...
/// The rate is taken over the time of fetching: joining the group is not reading.
fn parse_consumed(text: &str, records: u64) -> Result<f64> {
    let line = text
        .lines()
        .rfind(|line| line.starts_with("20"))
        .context("no summary of consuming")?;
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let read: u64 = fields.get(4).context("no count in the summary")?.parse()?;
    ensure!(read == records, "{read} of {records} records were read");
    Ok(fields.get(9).context("no rate in the summary")?.parse()?)
}

fn number_before<T: std::str::FromStr>(line: &str, mark: &str) -> Option<T> {
    let (before, _) = line.split_once(mark)?;
    before.rsplit([' ', ',']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Produced, parse_consumed, parse_produced};

    const SENT: &str = "99 records sent, 1.0 records/sec (0.1 MB/sec), 1.0 ms avg latency, 2.0 ms max latency.\n\
        200 records sent, 289.5 records/sec (28.27 MB/sec), 853.14 ms avg latency, 1588.00 ms max latency, \
        844 ms 50th, 1417 ms 95th, 1542 ms 99th, 1585 ms 99.9th.\n";
    const READ: &str = "start.time, end.time, ...\n\
        2026-11-23 02:29:05:212, 2026-11-23 02:29:06:668, 195.3, 134.1, 200, 137.6, 397, 1059, 184.4, 188.4\n";

    #[test]
    fn reads_what_the_tools_print() {
        assert_eq!(
            parse_produced(SENT, 200).unwrap(),
            Produced {
                per_second: 289.5,
                p99_ms: 1542.0
            }
        );
        assert!((parse_consumed(READ, 200).unwrap() - 188.4).abs() < 1e-9);
    }

    #[test]
    fn a_lost_record_gives_no_figure() {
        assert!(parse_produced(SENT, 201).is_err());
        assert!(parse_consumed(READ, 201).is_err());
    }
}
