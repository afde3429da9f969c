//! One `tidemill serve` that can be killed at any moment.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a start may take, recovery included, before the test gives up.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A server process on a data directory. Dropping it kills it.
pub struct Server {
    child: Child,
    data: PathBuf,
    kafka: String,
    /// From spawn to the ready file.
    started_in: Duration,
}

impl Server {
    /// Starts the server on free ports.
    ///
    /// # Errors
    /// No binary, or the server is not ready in time; with what it logged.
    pub fn start(data: &Path) -> Result<Self> {
        Self::spawn(data, "127.0.0.1:0")
    }

    /// Kills the process as `kill -9` does and starts it again on the same port and directory.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.kill();
        *self = Self::spawn(&self.data, &self.kafka)?;
        Ok(())
    }

    /// Where Kafka clients connect.
    #[must_use]
    pub fn kafka(&self) -> &str {
        &self.kafka
    }

    /// How long the last start took.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn spawn(data: &Path, kafka: &str) -> Result<Self> {
        let ready = data.with_extension("ready");
        let log_path = data.with_extension("log");
        let _ = std::fs::remove_file(&ready);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_path)?;
        let begin = Instant::now();
        let mut child = Command::new(binary()?)
            .args(["serve", "--kafka", kafka, "--http", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the server")?;
        loop {
            if let Ok(text) = std::fs::read_to_string(&ready)
                && let Ok(ready) = serde_json::from_str::<serde_json::Value>(&text)
                && let Some(kafka) = ready["kafka"].as_str()
            {
                let kafka = kafka.to_owned();
                return Ok(Self {
                    child,
                    data: data.to_owned(),
                    kafka,
                    started_in: begin.elapsed(),
                });
            }
            if let Some(status) = child.try_wait()? {
                bail!(
                    "the server ended with {status}:\n{}",
                    std::fs::read_to_string(&log_path)?
                );
            }
            if begin.elapsed() > READY_WITHIN {
                let _ = child.kill();
                bail!(
                    "the server was not ready in time:\n{}",
                    std::fs::read_to_string(&log_path)?
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server's binary: beside this test in the target directory, or named by `TIDEMILL_BIN`.
fn binary() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("TIDEMILL_BIN") {
        return Ok(named.into());
    }
    let test = std::env::current_exe()?;
    let beside = test
        .ancestors()
        .nth(2)
        .context("the test has no target directory")?
        .join("tidemill");
    if !beside.exists() {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--package", "tidemill-cli", "--bin", "tidemill"])
            .status()
            .context("cannot build the server")?;
        if !status.success() {
            bail!("the server does not build");
        }
    }
    Ok(beside)
}
