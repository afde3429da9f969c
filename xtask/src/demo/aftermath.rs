//! What the demo shows once the flights have passed: the group, a replay, the metrics, a crash.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use super::ledger::Ledger;
use super::metrics::Metrics;
use super::screen::{count, time};
use super::server::{Place, Server};
use super::story::{Story, short, start};
use super::summary::Summary;
use super::tidemill::typed;
use super::{GROUP, TOPIC, interrupt};

/// Where the replay begins, as the data set and as the command line write it.
pub(crate) const REPLAY_DAY: &str = "2001/03/01";
const REPLAY_TIME: &str = "2001-03-01T00:00:00Z";
/// How long the last commit may take to be seen.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);

impl Story<'_> {
    /// The group has read everything, and the server knows.
    pub(crate) fn group(&self, summary: &mut Summary) -> Result<()> {
        self.screen.step("Ask the server how far the group is");
        let group = ["group", "describe", GROUP];
        summary.lag = interrupt::wait(COMMIT_LIMIT, || {
            let group = self.tidemill.json(&group)?;
            let lag = group.get("totalLag").and_then(Value::as_u64);
            Ok(lag.filter(|lag| *lag == 0))
        })?;
        self.tidemill.show(self.screen, &group)?;
        Ok(())
    }

    /// Reads a part of it once more, from a time on.
    pub(crate) fn replay(&self, expected: usize, summary: &mut Summary) -> Result<()> {
        self.screen
            .step(&format!("Replay from a moment: every flight since {REPLAY_DAY}"));
        let template = r#"{"partition":%p,"offset":%o,"value":%v}\n"#;
        let consume = [
            "consume",
            TOPIC,
            "--time",
            REPLAY_TIME,
            "--until-end",
            "--template",
            template,
        ];
        self.screen.command(&typed(&consume));
        let began = Instant::now();
        let output = self.tidemill.output(&consume)?;
        let took = began.elapsed();
        let mut ledger = Ledger::new(self.sent.flights.len());
        for line in output.lines() {
            ledger.take(line, Instant::now(), &self.sent.flights, |_| None);
        }
        for line in output.lines().take(2) {
            self.screen.text(line);
        }
        self.screen.text(&format!(
            "... {} flights in {}",
            count(ledger.shown()),
            time(took)
        ));
        summary.replay = Some((ledger, self.sent.flights.len() - expected));
        Ok(())
    }

    /// What a monitoring system would read.
    pub(crate) fn metrics(&self, summary: &mut Summary) -> Result<()> {
        self.screen.step("Look at the metrics, as Prometheus would");
        self.screen
            .command(&format!("curl {}/metrics   # some of it", self.http));
        let metrics = Metrics::read(&self.http)?;
        let topic = format!("topic=\"{TOPIC}\"");
        for (name, label) in [
            ("tidemill_records_produced_total", topic.as_str()),
            ("tidemill_network_received_bytes_total", ""),
            ("tidemill_network_sent_bytes_total", ""),
            ("tidemill_log_flush_seconds_count", ""),
            ("tidemill_log_flush_seconds_sum", ""),
            ("tidemill_log_size_bytes", &topic),
            ("tidemill_group_lag", &topic),
            ("process_resident_memory_bytes", ""),
        ] {
            metrics.lines(name, label).for_each(|line| self.screen.text(line));
        }
        summary.bytes = metrics
            .sum("tidemill_log_size_bytes", &topic)
            .map(|bytes| bytes as u64);
        Ok(())
    }

    /// Kills the server and starts it again on the same data.
    pub(crate) fn pull_the_plug(
        &self,
        mut server: Server,
        place: &Place,
        summary: &mut Summary,
    ) -> Result<Server> {
        self.screen
            .step("Kill the server without warning, and start it again");
        self.screen
            .text("What was acknowledged is on disk, so nothing may be missing afterwards.");
        self.screen.command(&format!("kill -9 {}", server.ready.pid));
        server.running.kill()?;
        let server = start(self.screen, place)?;
        summary.ready_again = server.took;
        let topic = self.tidemill.json(&["topic", "describe", TOPIC])?;
        let partitions = topic.get("partitions").and_then(Value::as_array);
        let records = partitions.map(|all| all.iter().filter_map(|one| one.get("records")?.as_u64()).sum());
        summary.records_after = records;
        self.tidemill.show(self.screen, &["topic", "describe", TOPIC])?;
        Ok(server)
    }

    pub(crate) fn kept(&self, server: &Server) {
        let kafka = &server.ready.kafka;
        let log = self.dir.join("server.log");
        self.screen.step("The server is still running");
        self.screen.text(&format!(
            "Kafka clients   {kafka}\nREST            {http}\nmetrics         {http}/metrics\nlog             {log}\n",
            http = server.ready.http,
            log = short(&log.display().to_string()),
        ));
        self.screen.text("\nLook around:");
        let binary = short(&self.tidemill.binary.display().to_string());
        let dir = binary.strip_suffix("/tidemill").unwrap_or(".");
        for command in [
            &format!("export PATH=\"$PWD/{dir}:$PATH\" TIDEMILL_BOOTSTRAP={kafka}"),
            "tidemill topic describe flights",
            "tidemill consume flights --last 5 --until-end",
            "tidemill consume flights --time 2001-02-14 -n 5",
            "tidemill group describe board",
            &format!("kcat -b {kafka} -t flights -C -o -5 -e"),
        ] {
            self.screen.command(command);
        }
        self.screen.text("\nStop it, and remove its data:");
        self.screen.command("cargo xtask demo --stop");
    }
}
