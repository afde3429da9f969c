//! What a reader has shown, held against what was sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::flights::Flight;

/// Where a record is: partition and offset.
pub(crate) type Place = (i32, i64);

/// The line of a reader: `tidemill consume --format json` writes it, and `kcat -f` is told to.
#[derive(Deserialize)]
struct Line {
    partition: i32,
    offset: i64,
    value: Value,
}

/// Each flight that a reader showed: where it was, and how long after its sending.
#[derive(Default)]
pub(crate) struct Ledger {
    places: Vec<Option<Place>>,
    /// The last place and flight of each partition.
    last: BTreeMap<i32, (i64, usize)>,
    latencies: Vec<Duration>,
    faults: Vec<String>,
    /// The flight shown last.
    latest: Option<usize>,
    shown: u64,
}

impl Ledger {
    /// A ledger for so many flights.
    pub(crate) fn new(flights: usize) -> Ledger {
        Ledger {
            places: vec![None; flights],
            ..Ledger::default()
        }
    }

    /// Takes a line that was read at `now`. `sent` says when a flight was handed to the producer.
    pub(crate) fn take(
        &mut self,
        line: &str,
        now: Instant,
        flights: &[Flight],
        sent: impl Fn(usize) -> Option<Instant>,
    ) {
        self.shown += 1;
        let Some((line, flight)) = read(line) else {
            return self.fault(format!("not a flight: {line:.80}"));
        };
        let number = flight.flight;
        if flights.get(number) != Some(&flight) {
            return self.fault(format!("flight {number} is not the one that was sent"));
        }
        if let Some(Some(before)) = self.places.get(number) {
            return self.fault(format!(
                "flight {number} came twice: at {before:?} and {:?}",
                (line.partition, line.offset)
            ));
        }
        if let Some((offset, previous)) = self.last.get(&line.partition)
            && (*offset >= line.offset || *previous >= number)
        {
            self.fault(format!(
                "partition {}: flight {number} came after {previous}",
                line.partition
            ));
        }
        self.last.insert(line.partition, (line.offset, number));
        if let Some(place) = self.places.get_mut(number) {
            *place = Some((line.partition, line.offset));
        }
        self.latest = Some(number);
        if let Some(sent) = sent(number) {
            self.latencies.push(now.saturating_duration_since(sent));
        }
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Lines taken.
    pub(crate) fn shown(&self) -> u64 {
        self.shown
    }

    /// The number of the flight shown last.
    pub(crate) fn latest(&self) -> Option<usize> {
        self.latest
    }

    /// Where each flight was found, in the order of sending.
    pub(crate) fn places(&self) -> &[Option<Place>] {
        &self.places
    }

    /// The share `of` the latencies that lies below the answer; of the last `window` flights.
    pub(crate) fn latency(&self, of: f64, window: usize) -> Option<Duration> {
        let from = self.latencies.len().saturating_sub(window);
        let mut recent: Vec<Duration> = self.latencies.get(from..)?.to_vec();
        recent.sort_unstable();
        let at = (recent.len() as f64 * of) as usize;
        recent.get(at.min(recent.len().checked_sub(1)?)).copied()
    }

    /// What is wrong with what was shown; nothing when every flight from number `first` on came once and in order.
    pub(crate) fn faults(&self, first: usize) -> Vec<String> {
        let mut faults = self.faults.clone();
        let wanted = self.places.get(first..).unwrap_or_default();
        let missing = wanted.iter().filter(|place| place.is_none()).count();
        if missing > 0 {
            faults.push(format!("{missing} of {} flights are missing", wanted.len()));
        }
        let early = self.places.iter().take(first).flatten().count();
        if early > 0 {
            faults.push(format!("{early} flights are from before the time asked for"));
        }
        faults
    }
}

/// The value is JSON in itself, or JSON within a string.
fn read(line: &str) -> Option<(Line, Flight)> {
    let line: Line = serde_json::from_str(line).ok()?;
    let flight = match &line.value {
        Value::String(text) => serde_json::from_str(text).ok()?,
        value => serde_json::from_value(value.clone()).ok()?,
    };
    Some((line, flight))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flights() -> Vec<Flight> {
        let flight = |flight| Flight {
            flight,
            date: "2001/01/10 18:20".to_owned(),
            delay: 0,
            distance: 1,
            origin: "SAT".to_owned(),
            destination: "HOU".to_owned(),
        };
        (0..3).map(flight).collect()
    }

    /// A ledger of three flights that was shown these, as partition, offset, flight.
    fn ledger(shown: &[(i32, i64, usize)]) -> Ledger {
        let flights = flights();
        let mut ledger = Ledger::new(flights.len());
        for (partition, offset, number) in shown {
            let line = serde_json::json!({
                "partition": partition, "offset": offset, "value": flights[*number],
            });
            ledger.take(&line.to_string(), Instant::now(), &flights, |_| {
                Some(Instant::now())
            });
        }
        ledger
    }

    #[test]
    fn each_flight_once_and_in_order_is_no_fault() {
        let ledger = ledger(&[(0, 0, 0), (1, 0, 2), (0, 1, 1)]);
        assert!(ledger.faults(0).is_empty(), "{:?}", ledger.faults(0));
        assert_eq!(ledger.places(), [Some((0, 0)), Some((0, 1)), Some((1, 0))]);
        assert_eq!((ledger.shown(), ledger.latest()), (3, Some(1)));
        assert!(ledger.latency(0.99, 10).is_some());
    }

    #[test]
    fn loss_repetition_and_disorder_are_faults() {
        let faults = |shown: &[(i32, i64, usize)]| ledger(shown).faults(0).join("; ");
        assert!(faults(&[(0, 0, 0), (0, 1, 1)]).contains("1 of 3 flights are missing"));
        assert!(faults(&[(0, 0, 0), (0, 1, 1), (0, 2, 1), (0, 3, 2)]).contains("flight 1 came twice"));
        assert!(faults(&[(0, 0, 0), (0, 1, 2), (0, 2, 1)]).contains("flight 1 came after 2"));
        assert!(faults(&[(0, 0, 0), (0, 2, 1), (0, 1, 2)]).contains("flight 2 came after 1"));
    }

    #[test]
    fn what_was_not_sent_is_a_fault() {
        let mut ledger = ledger(&[(0, 0, 0), (0, 1, 1), (0, 2, 2)]);
        ledger.take("% Reached end", Instant::now(), &flights(), |_| None);
        let mut other = flights().remove(1);
        other.delay = 9;
        let line = serde_json::json!({"partition": 0, "offset": 3, "value": other});
        ledger.take(&line.to_string(), Instant::now(), &flights(), |_| None);
        assert_eq!(ledger.faults(0).len(), 2);
    }

    #[test]
    fn a_value_within_a_string_is_read_too() {
        let flights = flights();
        let mut ledger = Ledger::new(3);
        let text = serde_json::to_string(&flights[0]).unwrap();
        let line = serde_json::json!({"partition": 0, "offset": 0, "value": text, "key": "SAT"});
        ledger.take(&line.to_string(), Instant::now(), &flights, |_| None);
        assert_eq!(ledger.places()[0], Some((0, 0)));
    }

    #[test]
    fn a_replay_begins_where_it_was_told() {
        assert!(ledger(&[(0, 1, 1), (0, 2, 2)]).faults(1).is_empty());
        assert!(!ledger(&[(0, 0, 0), (0, 1, 1), (0, 2, 2)]).faults(1).is_empty());
        assert!(!ledger(&[(0, 2, 2)]).faults(1).is_empty());
    }
}
