//! An even pace: when each record is due, and waiting for that moment to within microseconds.

use std::str::FromStr;
use std::time::Duration;

use super::clock::Clock;

/// Records a second: `1000`, `1000/s`, `0.5/s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate(pub(super) f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches("/s").trim_end();
        match number.parse::<f64>() {
            Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(Self(rate)),
            _ => Err(format!(
                "`{text}` is no rate; write records a second, such as 1000 or 1000/s"
            )),
        }
    }
}

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

    #[test]
    fn rates_are_read() {
        assert_eq!("1000/s".parse(), Ok(Rate(1000.0)));
        assert_eq!("0.5".parse(), Ok(Rate(0.5)));
        assert!(
            "0".parse::<Rate>().is_err() && "fast".parse::<Rate>().is_err() && "inf".parse::<Rate>().is_err()
        );
    }
}
