//! Time in nanoseconds since the epoch that never goes back within a process, and the time it spent computing.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Wall time as of the start, carried on by the monotonic clock. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    begun: Instant,
    begun_ns: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            begun: Instant::now(),
            begun_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX / 2),
        }
    }

    /// Nanoseconds since the epoch.
    pub(super) fn now_ns(&self) -> u64 {
        self.begun_ns + u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX / 2)
    }
}

/// Seconds of processor time that this process has used.
pub(super) fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}
