//! The server of the demo: a directory and free ports of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::child::Running;
use super::interrupt;
use crate::process;

const READY_LIMIT: Duration = Duration::from_secs(30);

/// What the server writes once it answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Ready {
    /// Where Kafka clients connect, as `host:port`.
    pub(crate) kafka: String,
    /// Where the control plane answers, as a URL.
    pub(crate) http: String,
    pub(crate) pid: u32,
}

impl Ready {
    /// What the server that uses `dir` has written, if it did.
    pub(crate) fn read(dir: &Path) -> Option<Ready> {
        serde_json::from_slice(&fs::read(dir.join("ready.json")).ok()?).ok()
    }
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    pub(crate) ready: Ready,
    pub(crate) running: Running,
    /// From its start until it answered.
    pub(crate) took: Duration,
}

/// Where a server keeps things, and the ports it gets.
pub(crate) struct Place {
    pub(crate) binary: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) kafka: String,
    pub(crate) http: String,
}

impl Place {
    /// The arguments of `tidemill`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let pairs = [
            ("--data-dir", path("data")),
            ("--kafka", self.kafka.clone()),
            ("--http", self.http.clone()),
            ("--ready-file", path("ready.json")),
        ];
        let flags = pairs
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value]);
        std::iter::once("serve".to_owned()).chain(flags).collect()
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Server> {
        let ready_file = self.dir.join("ready.json");
        let log = self.dir.join("server.log");
        // The file of the last start would say that this one is ready.
        if ready_file.exists() {
            fs::remove_file(&ready_file)
                .with_context(|| format!("cannot remove {}", ready_file.display()))?;
        }
        let lines = fs::OpenOptions::new().create(true).append(true).open(&log);
        let lines = lines.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = process::plain(&self.binary);
        command
            .args(self.arguments())
            .stdin(Stdio::null())
            .stdout(lines.try_clone()?)
            .stderr(lines);
        let began = Instant::now();
        let mut running = Running::start("the server", &mut command)?;
        let ready = interrupt::wait(READY_LIMIT, || {
            if let Some(status) = running.ended()? {
                bail!("the server ended ({status}) before it was ready:\n{}", tail(&log));
            }
            Ok(Ready::read(&self.dir))
        })?;
        let Some(ready) = ready else {
            bail!("the server was not ready within {READY_LIMIT:?}:\n{}", tail(&log));
        };
        Ok(Server {
            ready,
            running,
            took: began.elapsed(),
        })
    }
}

/// The end of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(20)..)
        .unwrap_or_default()
        .join("\n")
}
