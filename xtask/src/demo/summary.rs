//! What the demo came to, and whether all of it was right.

use std::time::Duration;

use anyhow::{Result, bail};

use super::GROUP;
use super::ledger::Ledger;
use super::producer::Sent;
use super::reader::Reader;
use super::screen::{Screen, count, rate, time};

/// Gathered while the story is told.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) ready: Duration,
    pub(crate) ready_again: Duration,
    pub(crate) produced_in: Duration,
    /// The group's lag at the end, if the server told it.
    pub(crate) lag: Option<u64>,
    /// What the replay showed, and the number of the flight that it had to begin with.
    pub(crate) replay: Option<(Ledger, usize)>,
    /// Size of the topic's log.
    pub(crate) bytes: Option<u64>,
    /// Records in the topic after the server was killed and started again.
    pub(crate) records_after: Option<u64>,
    /// Whether the server stopped as it should; nothing when it was left running.
    pub(crate) stopped_well: Option<bool>,
    /// Whether flights were sent at a pace. At full speed they wait for one another, and their latency says nothing.
    pub(crate) paced: bool,
}

/// Whether something is as it should be, in words.
type Check = (bool, String);

impl Summary {
    /// Prints it; an error when anything was not as it should be.
    pub(crate) fn show(&self, screen: &Screen, sent: &Sent, readers: &[Reader]) -> Result<()> {
        screen.step("Summary");
        self.facts(screen, sent, readers);
        let mut checks: Vec<Check> = readers.iter().map(complete).collect();
        checks.extend(same_places(readers));
        checks.extend(self.server_checks(sent));
        for (good, text) in &checks {
            screen.verdict(*good, text);
        }
        let wrong = checks.iter().filter(|(good, _)| !good).count();
        if wrong > 0 {
            bail!(
                "{wrong} of {} checks failed; each is marked WRONG above",
                checks.len()
            );
        }
        Ok(())
    }

    fn facts(&self, screen: &Screen, sent: &Sent, readers: &[Reader]) {
        let total = sent.flights.len() as u64;
        screen.fact(
            "flights sent",
            &format!(
                "{} in {} ({}), each one acknowledged",
                count(total),
                time(self.produced_in),
                rate(total, self.produced_in)
            ),
        );
        for reader in readers {
            let ledger = reader.ledger();
            let latency = ledger
                .latency(0.5, usize::MAX)
                .zip(ledger.latency(0.99, usize::MAX));
            let latency = match latency.filter(|_| self.paced) {
                Some((median, most)) => format!("; sent to shown: p50 {}, p99 {}", time(median), time(most)),
                None => String::new(),
            };
            screen.fact(
                &format!("read by {}", reader.name()),
                &format!("{}{latency}", count(ledger.shown())),
            );
        }
        if let Some(bytes) = self.bytes {
            screen.fact("on disk", &indicatif::BinaryBytes(bytes).to_string());
        }
        screen.fact(
            "start to ready",
            &format!("{}; after kill -9: {}", time(self.ready), time(self.ready_again)),
        );
        screen.fact("the whole demo", &time(screen.elapsed()));
        println!();
    }

    fn server_checks(&self, sent: &Sent) -> Vec<Check> {
        let total = sent.flights.len() as u64;
        let mut checks = vec![(
            self.lag == Some(0),
            match self.lag {
                Some(lag) => format!("lag of group {GROUP}: {}", count(lag)),
                None => format!("lag of group {GROUP}: not 0 in time"),
            },
        )];
        if let Some((ledger, first)) = &self.replay {
            let faults = ledger.faults(*first);
            checks.push((
                faults.is_empty(),
                told(
                    format!(
                        "the replay gave the {} flights since then, and no other",
                        count(total - *first as u64)
                    ),
                    &faults,
                ),
            ));
        }
        let records = self.records_after;
        checks.push((
            records == Some(total),
            format!(
                "after kill -9 the topic holds {} of {} records",
                count(records.unwrap_or(0)),
                count(total)
            ),
        ));
        if let Some(well) = self.stopped_well {
            checks.push((well, "the server stopped cleanly".to_owned()));
        }
        checks
    }
}

fn complete(reader: &Reader) -> Check {
    let faults = reader.ledger().faults(0);
    let text = format!(
        "{} read each flight once, in order in each partition",
        reader.name()
    );
    (faults.is_empty(), told(text, &faults))
}

/// Two readers of one log agree on where everything is.
fn same_places(readers: &[Reader]) -> Option<Check> {
    let [one, other] = readers else {
        return None;
    };
    let same = one.ledger().places() == other.ledger().places();
    Some((
        same,
        "both found each flight at the same partition and offset".to_owned(),
    ))
}

/// A claim; and what speaks against it.
fn told(claim: String, faults: &[String]) -> String {
    match faults {
        [] => claim,
        [first, ..] => format!("{claim}: {first} ({} faults)", faults.len()),
    }
}
