//! A program that reads the topic, and the ledger of what it shows.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::child::Running;
use super::ledger::Ledger;
use super::producer::Sent;

/// A reader at work.
pub(crate) struct Reader {
    pub(crate) running: Running,
    ledger: Arc<Mutex<Ledger>>,
    lines: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts a program that prints a line of JSON for each flight. What it says besides goes to `<name>.log` in `dir`.
    pub(crate) fn start(name: &str, command: &mut Command, sent: &Arc<Sent>, dir: &Path) -> Result<Reader> {
        let log = dir.join(format!("{}.log", name.replace(' ', "-")));
        let log = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut running = Running::start(name, command)?;
        let Some(output) = running.child().stdout.take() else {
            bail!("{name} has no standard output");
        };
        let ledger = Arc::new(Mutex::new(Ledger::new(sent.flights.len())));
        let lines = thread::spawn({
            let (ledger, sent) = (Arc::clone(&ledger), Arc::clone(sent));
            move || follow(output, &ledger, &sent)
        });
        Ok(Reader {
            running,
            ledger,
            lines: Some(lines),
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.running.name()
    }

    /// What it has shown so far.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its output has ended, all of it taken down.
    pub(crate) fn done(&self) -> bool {
        self.lines.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Fails unless it ended well by itself.
    pub(crate) fn ended_well(&mut self) -> Result<()> {
        let status = self.running.child().wait()?;
        if !status.success() {
            bail!("{} failed ({status}); see its log", self.name());
        }
        Ok(())
    }
}

fn follow(output: ChildStdout, ledger: &Mutex<Ledger>, sent: &Sent) {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    // An output that is not text ends here, and the flights after it are missed.
    while output.read_line(&mut line).is_ok_and(|size| size > 0) {
        let now = Instant::now();
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.take(line.trim_end(), now, &sent.flights, |number| sent.at(number));
        drop(ledger);
        line.clear();
    }
}
