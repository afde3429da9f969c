//! The server under test: the real binary on a directory and ports of its own.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tempfile::TempDir;

use crate::case::Results;
use crate::program::Found;

const READY_FILE: &str = "ready.json";
const READY_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// What the server writes once it answers.
#[derive(Deserialize)]
struct Ready {
    kafka: String,
}

/// A running server. Dropping it kills it and removes its data.
pub(crate) struct Server {
    binary: PathBuf,
    child: Child,
    kafka: String,
    dir: TempDir,
}

impl Server {
    /// Starts the binary with a settings file and waits until it is ready.
    pub(crate) fn start(binary: &Path, settings: &str) -> Result<Server> {
        let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
        fs::write(dir.path().join("settings.toml"), settings)?;
        let child = spawn(binary, dir.path(), "127.0.0.1:0")?;
        let mut server = Server {
            binary: binary.to_owned(),
            child,
            kafka: String::new(),
            dir,
        };
        server.kafka = server.wait_ready()?;
        Ok(server)
    }

    /// Kills it at once, as a crash would, and starts it again on the same port and data.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.child.kill().context("cannot kill the server")?;
        self.child.wait().context("cannot wait for the killed server")?;
        fs::remove_file(self.dir.path().join(READY_FILE)).context("cannot remove the ready file")?;
        self.child = spawn(&self.binary, self.dir.path(), &self.kafka)?;
        self.wait_ready().map(drop)
    }

    /// Where Kafka clients connect.
    pub(crate) fn kafka(&self) -> &str {
        &self.kafka
    }

    /// Where its logs are.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Stops it as an operator would, and records that it lived through the suites and that it stopped cleanly.
    pub(crate) fn finish(&mut self, results: &mut Results) -> Result<()> {
        results.begin("server");
        let died = self.child.try_wait()?;
        let alive = died.is_none();
        results.record(
            "lives through every suite",
            alive,
            &died.map_or(String::new(), |s| s.to_string()),
        )?;
        let panics = self.panics();
        results.record(
            "never panics",
            panics == 0,
            &format!("{panics} panics; {}", self.tail()),
        )?;
        if alive {
            let stopped = self.stop();
            let (clean, detail) = match &stopped {
                Ok(status) => (status.success(), format!("{status}; {}", self.tail())),
                Err(error) => (false, format!("{error:#}; {}", self.tail())),
            };
            results.record("stops cleanly on SIGTERM", clean, &detail)?;
        }
        Ok(())
    }

    /// What is wrong with it: nothing, or that it died or panicked.
    pub(crate) fn wounds(&mut self) -> Vec<Found> {
        let mut wounds = Vec::new();
        if let Ok(Some(status)) = self.child.try_wait() {
            wounds.push(Found::failed(
                "the server lives",
                &format!("{status}; {}", self.tail()),
            ));
        }
        if self.panics() > 0 {
            wounds.push(Found::failed("the server never panics", &self.tail()));
        }
        wounds
    }

    fn panics(&self) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains("panicked at"))
            .count()
    }

    fn wait_ready(&mut self) -> Result<String> {
        let file = self.dir.path().join(READY_FILE);
        let deadline = Instant::now() + READY_LIMIT;
        while Instant::now() < deadline {
            if let Ok(text) = fs::read_to_string(&file)
                && let Ok(ready) = serde_json::from_str::<Ready>(&text)
            {
                return Ok(ready.kafka);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the server ended with {status} before it was ready:\n{}",
                    self.tail()
                );
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!(
            "the server was not ready within {} s:\n{}",
            READY_LIMIT.as_secs(),
            self.tail()
        )
    }

    fn stop(&mut self) -> Result<ExitStatus> {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if !killed.success() {
            bail!("cannot send SIGTERM");
        }
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("did not stop within {} s", STOP_LIMIT.as_secs())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// The end of its log.
    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Starts the binary on a directory that holds its settings, its log and its data.
fn spawn(binary: &Path, dir: &Path, kafka: &str) -> Result<Child> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("server.log"))?;
    let mut command = Command::new(binary);
    command.args([
        "serve",
        "--auto-create-topics",
        "--http",
        "127.0.0.1:0",
        "--kafka",
    ]);
    command
        .arg(kafka)
        .arg("--data-dir")
        .arg(dir.join("data"))
        .arg("--ready-file")
        .arg(dir.join(READY_FILE))
        .arg("--config")
        .arg(dir.join("settings.toml"));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
