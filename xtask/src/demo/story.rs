//! What the demo shows, in order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::aftermath::REPLAY_DAY;
use super::flights::Flights;
use super::interrupt::Interrupted;
use super::kept::RunDir;
use super::producer::{Producer, Sent};
use super::reader::Reader;
use super::screen::{Screen, count, time};
use super::server::{Place, Server};
use super::stream::Stream;
use super::summary::Summary;
use super::tidemill::{Tidemill, typed};
use super::{GROUP, TOPIC, http, interrupt};
use crate::workspace;

/// How long a new topic may take to open its partitions.
const OPEN_LIMIT: Duration = Duration::from_secs(20);
/// How long a group may take to form.
const JOIN_LIMIT: Duration = Duration::from_secs(20);

/// How to tell it.
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    pub(crate) flights: Flights,
    /// Whether kcat reads along.
    pub(crate) kcat: bool,
    /// Flights a second; nothing for as fast as it goes.
    pub(crate) rate: Option<u32>,
    pub(crate) keep: bool,
}

/// The story under way.
pub(crate) struct Story<'a> {
    pub(crate) screen: &'a Screen,
    /// Where the run keeps its things.
    pub(crate) dir: PathBuf,
    pub(crate) sent: Arc<Sent>,
    pub(crate) tidemill: Tidemill,
    /// Where the server's pages are.
    pub(crate) http: String,
    rate: Option<u32>,
}

/// Tells the whole story. What it started is stopped at the end, also at an early one, and its data removed; but what
/// may tell why the story failed stays.
pub(crate) fn tell(screen: &Screen, plan: Plan) -> Result<()> {
    let dir = RunDir::new()?;
    let keep = plan.keep;
    match tell_in(screen, plan, dir.path()) {
        Ok(()) if keep => {
            dir.keep();
            Ok(())
        }
        Err(error) if !error.is::<Interrupted>() => {
            let path = short(&dir.path().display().to_string());
            dir.keep();
            Err(error.context(format!("the demo failed; its logs are in {path}")))
        }
        outcome => outcome,
    }
}

fn tell_in(screen: &Screen, plan: Plan, dir: &Path) -> Result<()> {
    let mut place = Place {
        binary: plan.binary.clone(),
        dir: dir.to_path_buf(),
        kafka: "127.0.0.1:0".to_owned(),
        http: "127.0.0.1:0".to_owned(),
    };
    let mut summary = Summary {
        paced: plan.rate.is_some(),
        ..Summary::default()
    };
    screen.step("Start a server");
    let server = start(screen, &place)?;
    summary.ready = server.took;
    let replayed = plan.flights.since(REPLAY_DAY);
    let story = Story {
        screen,
        dir: dir.to_path_buf(),
        sent: Sent::new(plan.flights.all),
        tidemill: Tidemill {
            binary: plan.binary,
            kafka: server.ready.kafka.clone(),
        },
        http: server.ready.http.clone(),
        rate: plan.rate,
    };
    story.declare()?;
    let readers = story.stream(plan.kcat, &mut summary)?;
    story.group(&mut summary)?;
    story.replay(replayed, &mut summary)?;
    story.metrics(&mut summary)?;
    // The same ports, for whoever looks at a kept server.
    place.kafka.clone_from(&server.ready.kafka);
    place.http = server.ready.http.trim_start_matches("http://").to_owned();
    let mut server = story.pull_the_plug(server, &place, &mut summary)?;
    if !plan.keep {
        screen.step("Stop");
        let began = Instant::now();
        let status = server.running.stop()?;
        summary.stopped_well = Some(status.success());
        screen.text(&format!(
            "SIGTERM; the server ended ({status}) after {}",
            time(began.elapsed())
        ));
    }
    summary.show(screen, &story.sent, &readers)?;
    if plan.keep {
        story.kept(&server);
        server.running.leave();
    }
    Ok(())
}

pub(crate) fn start(screen: &Screen, place: &Place) -> Result<Server> {
    let arguments = place.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    screen.command(&short(&typed(&arguments)));
    let server = place.start()?;
    screen.text(&format!(
        "ready after {}: Kafka clients on {}, REST on {}",
        time(server.took),
        server.ready.kafka,
        server.ready.http
    ));
    Ok(server)
}

/// Paths within the checkout, as seen from there.
pub(crate) fn short(text: &str) -> String {
    text.replace(&format!("{}/", workspace::root().display()), "")
}

impl Story<'_> {
    /// A topic, described and not commanded.
    fn declare(&self) -> Result<()> {
        self.screen
            .step("Describe the topic; see what would change; apply it");
        self.screen
            .text("The document says what should be; the server brings it about.\nA second plan finds nothing left to do.");
        let document = workspace::root().join("xtask/demo/flights.yaml");
        let text = std::fs::read_to_string(&document)
            .with_context(|| format!("cannot read {}", document.display()))?;
        self.screen.command("cat xtask/demo/flights.yaml");
        self.screen.text(&text);
        let file = "xtask/demo/flights.yaml";
        self.tidemill.show(self.screen, &["plan", "-f", file])?;
        self.tidemill.show(self.screen, &["apply", "-f", file])?;
        self.tidemill.show(self.screen, &["plan", "-f", file])?;
        let ready = interrupt::wait(OPEN_LIMIT, || {
            let topic = self.tidemill.json(&["get", "topic", TOPIC])?;
            let ready = topic
                .pointer("/status/conditions/0/status")
                .and_then(Value::as_str);
            Ok((ready == Some("True")).then_some(()))
        })?;
        if ready.is_none() {
            bail!("topic {TOPIC} is not ready within {OPEN_LIMIT:?}");
        }
        self.tidemill.show(self.screen, &["get", "topics"])?;
        Ok(())
    }

    /// Readers first, then the flights.
    fn stream(&self, kcat: bool, summary: &mut Summary) -> Result<Vec<Reader>> {
        let total = self.sent.flights.len();
        let pace = match self.rate {
            Some(rate) => format!("{} a second", count(rate.into())),
            None => "as fast as it goes".to_owned(),
        };
        self.screen
            .step(&format!("Stream {} flights, {pace}", count(total as u64)));
        self.screen
            .text("It is the first quarter of 2001 in fast motion, keyed by airport of origin.");
        self.screen.text(if kcat {
            "Two readers side by side: Tidemill's own, in a consumer group, and kcat,\na foreign Kafka client."
        } else {
            "One reader, in a consumer group."
        });
        let most = total.to_string();
        let consume = [
            "consume", TOPIC, "--group", GROUP, "--from", "earliest", "-n", &most, "-f", "json",
        ];
        self.screen.command(&typed(&consume));
        let mut command = self.tidemill.command(&consume);
        let mut readers = vec![Reader::start(
            "tidemill consume",
            &mut command,
            &self.sent,
            &self.dir,
        )?];
        if kcat {
            let mut command = self.kcat(&most);
            readers.push(Reader::start("kcat", &mut command, &self.sent, &self.dir)?);
        }
        self.wait_for_group(&mut readers)?;
        let produce = ["produce", TOPIC, "--json-lines"];
        self.screen.command(&typed(&produce));
        let mut command = self.tidemill.command(&produce);
        let producer = Producer::start(&mut command, &self.sent, self.rate, &self.dir)?;
        let stream = Stream {
            sent: &self.sent,
            producer,
            readers: &mut readers,
            http: &self.http,
        };
        summary.produced_in = stream.watch(self.screen)?;
        for reader in &mut readers {
            reader.ended_well()?;
        }
        Ok(readers)
    }

    fn kcat(&self, most: &str) -> Command {
        let format = r#"{"partition":%p,"offset":%o,"value":%s}\n"#;
        let arguments = [
            "-C",
            "-b",
            &self.tidemill.kafka,
            "-t",
            TOPIC,
            "-c",
            most,
            "-qu",
            "-f",
            format,
        ];
        self.screen
            .command(&typed(&arguments).replacen("tidemill", "kcat", 1));
        let mut command = Command::new("kcat");
        command.args(arguments);
        command
    }

    /// Until the group has its partitions: a flight sent before would wait for them.
    fn wait_for_group(&self, readers: &mut [Reader]) -> Result<()> {
        let page = format!("/v1/consumergroups/{GROUP}");
        let formed = interrupt::wait(JOIN_LIMIT, || {
            for reader in readers.iter_mut() {
                if let Some(status) = reader.running.ended()? {
                    bail!(
                        "{} ended before it began ({status}): {}",
                        reader.name(),
                        self.log_of(reader)
                    );
                }
            }
            // There is no such group at first.
            let group = http::get(&self.http, &page).unwrap_or_default();
            let group: Value = serde_json::from_str(&group).unwrap_or_default();
            let state = group.pointer("/status/state").and_then(Value::as_str);
            Ok((state == Some("Stable")).then_some(()))
        })?;
        if formed.is_none() {
            bail!("group {GROUP} did not form within {JOIN_LIMIT:?}");
        }
        Ok(())
    }

    fn log_of(&self, reader: &Reader) -> String {
        let log = self.dir.join(format!("{}.log", reader.name().replace(' ', "-")));
        std::fs::read_to_string(log).unwrap_or_default().trim().to_owned()
    }
}
