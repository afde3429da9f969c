//! Hands flights to `tidemill produce`, at pace.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::child::Running;
use super::flights::Flight;

/// The flights, and when each was handed to the producer.
pub(crate) struct Sent {
    pub(crate) flights: Vec<Flight>,
    times: Vec<OnceLock<Instant>>,
    count: AtomicUsize,
}

impl Sent {
    pub(crate) fn new(flights: Vec<Flight>) -> Arc<Sent> {
        let times = flights.iter().map(|_| OnceLock::new()).collect();
        Arc::new(Sent {
            flights,
            times,
            count: AtomicUsize::new(0),
        })
    }

    /// When a flight was handed over, if it was.
    pub(crate) fn at(&self, number: usize) -> Option<Instant> {
        self.times.get(number)?.get().copied()
    }

    /// Flights handed over.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed) as u64
    }

    fn mark(&self, number: usize) {
        if let Some(time) = self.times.get(number) {
            time.get_or_init(Instant::now);
        }
        self.count.store(number + 1, Ordering::Relaxed);
    }
}

/// A producer at work.
pub(crate) struct Producer {
    running: Running,
    feeding: Option<JoinHandle<Result<()>>>,
    began: Instant,
}

impl Producer {
    /// Starts the program and feeds it, `rate` flights a second or as fast as it takes them.
    pub(crate) fn start(
        command: &mut Command,
        sent: &Arc<Sent>,
        rate: Option<u32>,
        dir: &Path,
    ) -> Result<Producer> {
        let log = dir.join("tidemill-produce.log");
        let log = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let mut running = Running::start("tidemill produce", command)?;
        let Some(input) = running.child().stdin.take() else {
            bail!("tidemill produce has no standard input");
        };
        let feeding = thread::spawn({
            let sent = Arc::clone(sent);
            move || feed(input, &sent, rate)
        });
        Ok(Producer {
            running,
            feeding: Some(feeding),
            began: Instant::now(),
        })
    }

    /// How long it took, once every flight is acknowledged; an error when one was not.
    pub(crate) fn finished(&mut self) -> Result<Option<Duration>> {
        let Some(status) = self.running.ended()? else {
            return Ok(None);
        };
        let took = self.began.elapsed();
        if !status.success() {
            bail!("tidemill produce failed ({status}); see its log");
        }
        if let Some(Ok(outcome)) = self.feeding.take().map(JoinHandle::join) {
            outcome?;
        }
        Ok(Some(took))
    }
}

fn feed(input: impl Write, sent: &Sent, rate: Option<u32>) -> Result<()> {
    let mut input = std::io::BufWriter::new(input);
    let began = Instant::now();
    for (number, flight) in sent.flights.iter().enumerate() {
        if let Some(rate) = rate {
            let due = began + Duration::from_secs_f64(number as f64 / f64::from(rate));
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let line = flight.line()?;
        sent.mark(number);
        input.write_all(line.as_bytes())?;
        if rate.is_some() {
            input.flush()?;
        }
    }
    input.flush()?;
    Ok(())
}
