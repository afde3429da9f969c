//! The data: flights within the United States, in the order in which they left.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{setup, workspace};

/// One flight, as the record of the demo holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flight {
    /// Its number in the order of sending, from 0. The data set has none: the demo needs it to see that every flight
    /// arrives once and in order.
    #[serde(default)]
    pub(crate) flight: usize,
    /// When it was to leave, as `2001/01/10 18:20`.
    pub(crate) date: String,
    /// Minutes late on arrival; below zero when early.
    pub(crate) delay: i32,
    /// Miles.
    pub(crate) distance: u32,
    pub(crate) origin: String,
    pub(crate) destination: String,
}

/// The flights of one run, and where they came from.
pub(crate) struct Flights {
    pub(crate) all: Vec<Flight>,
    pub(crate) source: &'static str,
}

impl Flights {
    /// The 20,000 flights of the package.
    pub(crate) fn from_package() -> Result<Flights> {
        let path = setup::data().join("flights-20k.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let all = serde_json::from_slice(&text)
            .with_context(|| format!("{} does not hold flights", path.display()))?;
        Flights::numbered(all, "vega-datasets, flights-20k.json")
    }

    /// The 2,000 flights of the checkout.
    pub(crate) fn from_checkout() -> Result<Flights> {
        let path = workspace::root().join("xtask/demo/flights-2k.csv");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let all: Option<Vec<Flight>> = text.lines().skip(1).map(from_csv).collect();
        let all = all.with_context(|| format!("{} does not hold flights", path.display()))?;
        Flights::numbered(all, "xtask/demo/flights-2k.csv")
    }

    fn numbered(mut all: Vec<Flight>, source: &'static str) -> Result<Flights> {
        for (number, flight) in all.iter_mut().enumerate() {
            flight.flight = number;
        }
        if all.is_empty() || !all.is_sorted_by(|earlier, later| earlier.date <= later.date) {
            bail!("{source} is not a list of flights in the order of their dates");
        }
        Ok(Flights { all, source })
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many flights left at `date` or later.
    pub(crate) fn since(&self, date: &str) -> usize {
        self.all.len() - self.all.partition_point(|flight| flight.date.as_str() < date)
    }
}

impl Flight {
    /// The line that `tidemill produce --json-lines` reads: keyed by airport, dated as the flight was.
    pub(crate) fn line(&self) -> Result<String> {
        let record = serde_json::json!({
            "key": self.origin,
            "timestamp": self.timestamp()?,
            "value": self,
        });
        Ok(record.to_string() + "\n")
    }

    /// Its date in RFC 3339. The data set gives local times without zones; they are taken for UTC.
    pub(crate) fn timestamp(&self) -> Result<String> {
        let (day, time) = self
            .date
            .split_once(' ')
            .with_context(|| format!("{:?} is no date such as 2001/01/10 18:20", self.date))?;
        Ok(format!("{}T{time}:00Z", day.replace('/', "-")))
    }

    /// For people: `2001/01/10  SAT -> HOU  25 min late`.
    pub(crate) fn sentence(&self) -> String {
        let delay = match self.delay {
            0 => "on time".to_owned(),
            late @ 1.. => format!("{late} min late"),
            early => format!("{} min early", -early),
        };
        format!("{}  {} -> {}  {delay}", self.date, self.origin, self.destination)
    }
}

/// `date,delay,distance,origin,destination`; nothing in the file needs quotes.
fn from_csv(line: &str) -> Option<Flight> {
    let mut cells = line.split(',');
    Some(Flight {
        flight: 0,
        date: cells.next()?.to_owned(),
        delay: cells.next()?.parse().ok()?,
        distance: cells.next()?.parse().ok()?,
        origin: cells.next()?.to_owned(),
        destination: cells.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_has_two_thousand_flights_in_order() {
        let flights = Flights::from_checkout().unwrap();
        assert_eq!(flights.len(), 2_000);
        assert_eq!(flights.since("2001/01/01"), 2_000);
        let march = flights.since("2001/03/01");
        assert!(flights.all[2_000 - march].date.starts_with("2001/03"));
        assert!(flights.all[1_999 - march].date.starts_with("2001/02"));
    }

    #[test]
    fn a_line_has_key_time_and_value() {
        let flight = Flight {
            flight: 7,
            date: "2001/01/10 18:20".to_owned(),
            delay: -5,
            distance: 192,
            origin: "SAT".to_owned(),
            destination: "HOU".to_owned(),
        };
        let line: serde_json::Value = serde_json::from_str(&flight.line().unwrap()).unwrap();
        assert_eq!(line["key"], "SAT");
        assert_eq!(line["timestamp"], "2001-01-10T18:20:00Z");
        assert_eq!(line["value"]["flight"], 7);
        assert_eq!(flight.sentence(), "2001/01/10 18:20  SAT -> HOU  5 min early");
    }
}
