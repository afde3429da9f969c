//! Processor time that a call has left.
//!
//! The time counted is that of the calling thread, not of the clock on the wall: a module on a busy machine is not
//! stopped for what others do.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The budget of one call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    begun: Duration,
    allowed: Duration,
}

impl Budget {
    /// Begins to count on this thread.
    pub(crate) fn begin(allowed: Duration) -> Budget {
        Budget {
            begun: used_by_thread(),
            allowed,
        }
    }

    pub(crate) fn allowed(&self) -> Duration {
        self.allowed
    }

    /// Used since the beginning; only of meaning on the thread that began.
    pub(crate) fn used(&self) -> Duration {
        used_by_thread().saturating_sub(self.begun)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.used() > self.allowed
    }
}

fn used_by_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
