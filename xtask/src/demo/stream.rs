//! The flights on their way: one producer, its readers side by side, and a view of all.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::metrics::Metrics;
use super::producer::{Producer, Sent};
use super::reader::Reader;
use super::screen::{Screen, count};
use super::view::{Moment, Progress, View};
use super::{GROUP, interrupt};

/// Between two moments.
const PERIOD: Duration = Duration::from_millis(100);
/// Between two looks at the server's metrics.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The latencies shown are those of so many flights.
const RECENT: usize = 1_000;
/// How long nothing may move before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is watched.
pub(crate) struct Stream<'a> {
    pub(crate) sent: &'a Sent,
    pub(crate) producer: Producer,
    pub(crate) readers: &'a mut [Reader],
    /// Where the server's pages are.
    pub(crate) http: &'a str,
}

impl Stream<'_> {
    /// Watches until every program has ended by itself. Answers how long the producer took, to the acknowledgement of
    /// its last flight.
    pub(crate) fn watch(mut self, screen: &Screen) -> Result<Duration> {
        let total = self.sent.flights.len() as u64;
        let mut view = View::new(total, self.readers.len() + 1)?;
        let mut moved = (Instant::now(), 0);
        let mut looked: Option<Instant> = None;
        let mut note = String::new();
        let mut took = None;
        loop {
            interrupt::check()?;
            took = match took {
                None => self.producer.finished()?,
                known => known,
            };
            if looked.is_none_or(|at| at.elapsed() > LOOK_EVERY) {
                looked = Some(Instant::now());
                note = self.note()?;
            }
            let moment = self.moment(note.clone());
            if let Some(took) = took
                && self.readers.iter().all(Reader::done)
            {
                let moment = self.moment(self.note()?);
                view.finish(screen, &moment);
                return Ok(took);
            }
            view.draw(screen, &moment);
            let sum: u64 = moment.programs.iter().map(|program| program.count).sum();
            if sum != moved.1 {
                moved = (Instant::now(), sum);
            } else if moved.0.elapsed() > PATIENCE {
                bail!("nothing has moved for {PATIENCE:?}: {}", standing(&moment, total));
            }
            thread::sleep(PERIOD);
        }
    }

    fn moment(&self, note: String) -> Moment {
        let produced = Progress {
            name: "produced".to_owned(),
            count: self.sent.count(),
            latency: None,
        };
        let read = self.readers.iter().map(|reader| {
            let ledger = reader.ledger();
            Progress {
                name: reader.name().to_owned(),
                count: ledger.shown(),
                latency: ledger.latency(0.5, RECENT).zip(ledger.latency(0.99, RECENT)),
            }
        });
        let latest = self.readers.first().and_then(|reader| reader.ledger().latest());
        let flight = latest.and_then(|number| self.sent.flights.get(number));
        Moment {
            programs: std::iter::once(produced).chain(read).collect(),
            note,
            flight: flight.map(super::flights::Flight::sentence).unwrap_or_default(),
        }
    }

    /// What the server says of the group and the topic.
    fn note(&self) -> Result<String> {
        let metrics = Metrics::read(self.http)?;
        let lag = metrics
            .sum("tidemill_group_lag", &format!("group=\"{GROUP}\""))
            .map_or("-".to_owned(), |lag| count(lag as u64));
        let bytes = metrics
            .sum("tidemill_log_size_bytes", "topic=\"flights\"")
            .unwrap_or(0.0);
        Ok(format!(
            "lag of group {GROUP}: {lag} (it commits every 5 s)   on disk: {}",
            indicatif::BinaryBytes(bytes as u64)
        ))
    }
}

fn standing(moment: &Moment, total: u64) -> String {
    let programs = moment.programs.iter();
    let programs: Vec<String> = programs
        .map(|program| format!("{} {} of {}", program.name, count(program.count), count(total)))
        .collect();
    programs.join(", ")
}
