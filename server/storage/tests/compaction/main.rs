//! Key compaction against a model: whatever is compacted, whenever, and wherever the machine dies, the
//! last value of each key is there, offsets and producers are as they were, and what is superseded goes.
//!
//! `TIDEMILL_SIM_SEED` replays one seed; `TIDEMILL_SIM_SEEDS` says how many to run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod cases;
mod check;
mod model;
#[path = "../mortal/mod.rs"]
mod mortal;
mod plan;
mod world;

use anyhow::{Context, Result};
use tidemill_env::sim::{Fault, SimRandom, Survival};

use mortal::{DEATHS, Death, Halt, Mortal, for_seeds, unrefused};
use plan::{Plan, after};
use world::World;

#[test]
fn the_last_value_of_each_key_stays_and_what_is_superseded_goes() {
    for_seeds(40, |seed| whole(&Plan::new(seed)).map(drop));
}

#[test]
fn sim_a_crash_at_any_operation_leaves_the_old_segments_or_the_new_ones() {
    for_seeds(1, |seed| {
        let plan = Plan::short(seed);
        for n in whole(&plan)? {
            for death in DEATHS {
                crash(&plan, n, death).with_context(|| format!("crash at operation {n}, {death:?}"))?;
            }
        }
        Ok(())
    });
}

#[test]
fn sim_a_crash_while_a_swap_is_recovered_is_recovered_too() {
    for_seeds(1, |seed| {
        let plan = Plan::short(seed);
        let random = SimRandom::new(seed);
        for n in whole(&plan)? {
            for m in 0.. {
                let survival = [Survival::Some, Survival::Everything][random.index(2)];
                let mut world = World::new(&plan).dead_at(n, (true, survival))?;
                let died_again = world.dies_in_recovery(m, random.one_in(2));
                if !died_again.with_context(|| format!("crash at {n}"))? {
                    break;
                }
                let place = format!(
                    "crash at {n}, then at {m} of the recovery: {:?}",
                    world.machine.faults.hit()
                );
                world.die(Survival::Some, m);
                goes_on(&mut world).context(place)?;
            }
        }
        Ok(())
    });
}

#[test]
fn sim_a_disk_error_at_any_operation_costs_no_record() {
    for_seeds(1, |seed| {
        let plan = Plan::short(seed);
        for n in whole(&plan)? {
            for fault in [Fault::Io, Fault::Full] {
                let mut world = World::new(&plan);
                world.checking = false;
                world.machine.faults.fail_at(n, fault);
                let result = world.run(&plan.steps);
                let hit = world.machine.faults.hit();
                let broken =
                    |error: anyhow::Error| error.context(format!("{fault:?} at operation {n} ({hit:?})"));
                if let Err(Halt::Broken(error)) = result {
                    return Err(broken(error));
                }
                if let Some(log) = &world.log
                    && log.failed().is_none()
                {
                    // It refused one thing; what it holds is readable.
                    world.model.relax();
                    check::log(log, &world.model, world.now_ms()).map_err(broken)?;
                }
                world.die(Survival::Everything, n);
                goes_on(&mut world).map_err(broken)?;
            }
        }
        Ok(())
    });
}

/// Runs a history without faults; answers the operations of its compactions, by number. What else a log does
/// is put to the test elsewhere.
fn whole(plan: &Plan) -> Result<Vec<u64>> {
    let mut world = World::new(plan);
    unrefused(world.run(&plan.steps), "without a fault")?;
    Ok(world.compactions.into_iter().flatten().collect())
}

fn crash(plan: &Plan, n: u64, death: Death) -> Result<()> {
    let mut world = World::new(plan).dead_at(n, death)?;
    goes_on(&mut world)?;
    world.die(Survival::Nothing, n);
    goes_on(&mut world).context("after a second crash")
}

/// Opens the log and uses it: all must be as if nothing had been.
fn goes_on(world: &mut World) -> Result<()> {
    unrefused(world.run(&after()), "after a recovery")
}
