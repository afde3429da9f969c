//! So many records a second, for input that comes when it comes: a pause is no debt.

use std::time::Duration;

use tokio::time::Instant;

use crate::args::Rate;

/// What was missed by at most this much is made up for; after a longer pause the pace begins anew.
const ARREARS: Duration = Duration::from_millis(50);

/// Says when each record is due.
pub(super) struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// Records are due at this rate from `start` on.
    pub(super) fn new(rate: Rate, start: Instant) -> Self {
        Self {
            // A rate that no clock can keep up with is none.
            interval: Duration::try_from_secs_f64(1.0 / rate.0).unwrap_or(Duration::MAX),
            next: start,
        }
    }

    /// When the next record is due; nothing if it is at `now`. Counts it as sent.
    pub(super) fn due(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next.max(now.checked_sub(ARREARS).unwrap_or(now));
        self.next = due.checked_add(self.interval).unwrap_or(due);
        (due > now).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_spread_evenly_and_a_pause_is_no_debt() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::new(Rate(100.0), start);
        assert_eq!(pace.due(at(0)), None);
        assert_eq!(pace.due(at(0)), Some(at(10)));
        assert_eq!(pace.due(at(25)), None, "late, at once");
        assert_eq!(pace.due(at(25)), Some(at(30)), "the short delay is made up for");
        // Ten seconds without input must not end in a thousand records at once.
        let caught_up = (0..).take_while(|_| pace.due(at(10_000)).is_none()).count();
        assert_eq!(caught_up, 6);
    }
}
