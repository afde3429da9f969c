//! Kafka's own performance tools: `ProducerPerformance` and `ConsumerPerformance`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Client, output};
use crate::load::{BATCH_BYTES, LINGER_MS, Load, Produced};

/// Kafka's tools.
#[derive(Debug, Clone)]
pub struct Tools {
    jars: PathBuf,
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

    /// The tools look at no record, so the log is asked: exactly what was sent must be stored.
    fn verify(&self, load: &Load) -> Result<()> {
        let text = self.call("GetOffsetShell", &load.bootstrap, &["--topic", &load.topic])?;
        let ends = text
            .lines()
            .filter_map(|line| line.rsplit_once(':')?.1.trim().parse::<u64>().ok());
        let (sent, stored) = (load.records, ends.sum::<u64>());
        ensure!(
            stored == sent,
            "{sent} records were acknowledged, {stored} are stored"
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

impl Client for Tools {
    fn name(&self) -> &'static str {
        "Kafka's Java client"
    }

    fn produce(&self, load: &Load) -> Result<Produced> {
        let records = load.records.to_string();
        let size = load.record_size.to_string();
        let bootstrap = format!("bootstrap.servers={}", load.bootstrap);
        let batching = [
            format!("batch.size={BATCH_BYTES}"),
            format!("linger.ms={LINGER_MS}"),
        ];
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
        command.args(batching).arg("buffer.memory=134217728");
        parse_produced(&output(&mut command)?, load.records)
    }

    fn consume(&self, load: &Load) -> Result<f64> {
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
        self.verify(load)?;
        parse_consumed(&text, load.records)
    }
}

/// `200000 records sent, 28943.56 records/sec (...), 853.14 ms avg latency, ..., 1542 ms 99th, 1585 ms 99.9th.`
fn parse_produced(text: &str, records: u64) -> Result<Produced> {
    let line = text
        .lines()
        .rfind(|line| line.contains("99th"))
        .context("no summary of producing")?;
    let sent: u64 = number_before(line, " records sent").context("no count in the summary")?;
    ensure!(sent == records, "{sent} of {records} records were acknowledged");
    let per_second = number_before(line, " records/sec").context("no rate in the summary")?;
    Ok(Produced { per_second })
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
        assert_eq!(parse_produced(SENT, 200).unwrap(), Produced { per_second: 289.5 });
        assert!((parse_consumed(READ, 200).unwrap() - 188.4).abs() < 1e-9);
    }

    #[test]
    fn a_lost_record_gives_no_figure() {
        assert!(parse_produced(SENT, 201).is_err());
        assert!(parse_consumed(READ, 201).is_err());
    }
}
