//! A world in memory, for tests: one seed is one history.
//!
//! **Purpose.** [`SimDisk`] is a disk behind a page cache: what was not synced may be lost at a crash,
//! in part and in any order, and so may names in directories that were not synced. [`FaultyDisk`] stands
//! in front of any disk, counts what changes it, and fails or dies where it is told to. [`SimClock`] moves
//! when it is moved, [`SimRandom`] follows its seed, [`SimTasks`] runs tasks when asked.
//!
//! **Invariants.** Nothing here reads the machine's clock, randomness or disk (a [`FaultyDisk`] over a real
//! disk aside). The same seed and the same calls give the same answers.

mod clock;
mod disk;
mod faults;
mod file;
mod network;
mod random;
mod tasks;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Arc;

use crate::{Disk, Env};

pub use clock::SimClock;
pub use disk::{SimDisk, Survival};
pub use faults::{Fault, FaultTarget, Faults, FaultyDisk, Op};
pub use network::NoNetwork;
pub use random::SimRandom;
pub use tasks::SimTasks;

/// An [`Env`] over `disk` whose clock, tasks and randomness are simulated and which has no network.
/// Blocking work runs in place; spawned futures run in [`SimTasks::run`].
#[must_use]
pub fn env(disk: Arc<dyn Disk>, clock: Arc<SimClock>, seed: u64) -> (Env, Arc<SimTasks>) {
    let tasks = Arc::new(SimTasks::default());
    let env = Env {
        clock,
        disk,
        network: Arc::new(NoNetwork),
        random: Arc::new(SimRandom::new(seed)),
        tasks: Arc::clone(&tasks) as Arc<dyn crate::Tasks>,
    };
    (env, tasks)
}
