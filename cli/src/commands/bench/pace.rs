//! An even pace that owes what it missed: when each record is due, and waiting for that moment to within
//! microseconds.

use std::time::Duration;

use super::clock::Clock;
use crate::args::Rate;

/// When the records of one producer are due, where several keep a rate together: they take turns.
///
/// The times do not depend on how sending goes. A latency counted from them includes what a record waited because
/// those before it were held up ("coordinated omission", as Gil Tene calls leaving that out).
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    begin_ns: u64,
    interval_ns: f64,
    turn: u32,
    producers: u32,
}

impl Schedule {
    pub(super) fn new(begin_ns: u64, rate: Rate, turn: u32, producers: u32) -> Self {
        Self {
            begin_ns,
            interval_ns: 1e9 / rate.0,
            turn,
            producers,
        }
    }

    /// When record `number` (from 0) is due, in nanoseconds since the epoch.
    pub(super) fn due_ns(&self, number: u64) -> u64 {
        let turns = number as f64 * f64::from(self.producers) + f64::from(self.turn);
        self.begin_ns.saturating_add((turns * self.interval_ns) as u64)
    }
}

/// Lets this thread sleep for as long as it says: by default the system may add 50 us to bundle wake-ups.
pub(super) fn sharpen_sleep() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)) {
        tracing::debug!(%error, "cannot sharpen the timer; records may leave 50 us late");
    }
}

/// Sleeps until `due_ns`, or until `stopped` says so.
pub(super) fn sleep_until(clock: &Clock, due_ns: u64, stopped: impl Fn() -> bool) {
    /// How soon a stop is noticed.
    const LONGEST: Duration = Duration::from_millis(100);
    loop {
        let left = Duration::from_nanos(due_ns.saturating_sub(clock.now_ns()));
        if left.is_zero() || stopped() {
            return;
        }
        std::thread::sleep(left.min(LONGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_take_turns_on_one_schedule() {
        let first = Schedule::new(1_000, Rate(1e6), 0, 2);
        let second = Schedule::new(1_000, Rate(1e6), 1, 2);
        let times: Vec<u64> = (0..3).flat_map(|n| [first.due_ns(n), second.due_ns(n)]).collect();
        assert_eq!(times, [1_000, 2_000, 3_000, 4_000, 5_000, 6_000]);
    }
}
