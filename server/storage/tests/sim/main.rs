//! The log against a model, on a disk that dies or fails at every operation.
//!
//! A seed makes a history: appends, syncs, deletions, retention, truncations, restarts. It runs once to
//! count the operations that change the disk; then once more for each of them, with the machine dying
//! there (and again during the recovery), or the operation failing. After each, the log is opened and
//! compared with what it had promised.
//!
//! `TIDEMILL_SIM_SEED` replays one seed; `TIDEMILL_SIM_SEEDS` says how many to run, and then every way to die
//! and every operation of every recovery is tried. With both, that seed is run thoroughly.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod check;
mod crash;
mod fault;
mod model;
#[path = "../mortal/mod.rs"]
mod mortal;
mod plan;
mod world;

use mortal::for_seeds;

#[test]
fn sim_a_crash_at_any_operation_loses_nothing_that_was_acknowledged() {
    for_seeds(1, crash::at_every_operation);
}

#[test]
fn sim_a_crash_during_recovery_loses_nothing_either() {
    for_seeds(1, crash::twice);
}

#[test]
fn sim_a_disk_error_at_any_operation_ends_writing_and_keeps_what_was_acknowledged() {
    for_seeds(1, fault::at_every_operation);
}
