//! Tidemill itself: the binary as it ships.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How long a start may take before the run gives up.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a clean stop may take before the run gives up.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// What the server writes once it answers.
#[derive(Deserialize)]
struct Ready {
    kafka: String,
}

/// A running server. Dropping it kills it; its directory is the caller's to remove.
#[derive(Debug)]
pub struct Tidemill {
    child: Child,
    address: String,
    started_in: Duration,
}

impl Tidemill {
    /// Starts the binary on a directory and waits until both listeners answer.
    ///
    /// # Errors
    /// No binary, or it ended or was not ready within a minute; with what it logged.
    pub fn start(binary: &Path, dir: &Path) -> Result<Tidemill> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let ready = dir.join("ready.json");
        // That of an earlier start says nothing of this one.
        if ready.exists() {
            fs::remove_file(&ready).with_context(|| format!("cannot remove {}", ready.display()))?;
        }
        let log_path = dir.join("server.log");
        let log = fs::File::create(&log_path)?;
        let begin = Instant::now();
        let mut child = Command::new(binary)
            .args([
                "serve",
                "--kafka",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(dir.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        loop {
            if let Ok(text) = fs::read_to_string(&ready)
                && let Ok(Ready { kafka }) = serde_json::from_str(&text)
            {
                return Ok(Tidemill {
                    child,
                    address: kafka,
                    started_in: begin.elapsed(),
                });
            }
            if let Some(status) = child.try_wait()? {
                bail!(
                    "the server ended with {status}:\n{}",
                    fs::read_to_string(&log_path)?
                );
            }
            if begin.elapsed() > READY_WITHIN {
                let _ = child.kill();
                bail!(
                    "the server was not ready in time:\n{}",
                    fs::read_to_string(&log_path)?
                );
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops it as an operator would, and waits until it has ended.
    ///
    /// # Errors
    /// It cannot be signalled, takes longer than a minute, or does not end cleanly.
    pub fn stop(mut self) -> Result<()> {
        let status = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if !status.success() {
            bail!("cannot send SIGTERM to the server (pid {})", self.child.id());
        }
        let begin = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the server did not end cleanly: {status}"),
                None if begin.elapsed() > STOP_WITHIN => bail!("the server did not stop in time"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Where Kafka clients connect.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process until its ready file was there.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }
}

impl Drop for Tidemill {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
