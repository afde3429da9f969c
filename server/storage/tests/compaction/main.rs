//! Key compaction against a model: whatever is compacted, whenever, and wherever the machine dies, the
//! last value of each key is there, offsets and producers are as they were, and what is superseded goes.
//!
//! `TIDEMILL_SIM_SEED` replays one seed; `TIDEMILL_SIM_SEEDS` says how many to run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may stop at errors")]

mod cases;
mod check;
mod model;
mod plan;
mod world;

use anyhow::{Context, Result, bail};
use tidemill_env::sim::{Fault, SimRandom, Survival};

use plan::{Plan, after};
use world::{Halt, World};

/// Histories of each kind in an ordinary run.
const SEEDS: u64 = 2;

/// Runs `history` for each seed, and names the seed that fails.
fn for_seeds(times: u64, history: impl Fn(u64) -> Result<()>) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("TIDEMILL_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TIDEMILL_SIM_SEEDS").unwrap_or(SEEDS) * times,
    };
    for seed in seeds {
        if let Err(error) = history(seed) {
            panic!("TIDEMILL_SIM_SEED={seed}: {error:#}");
        }
    }
}

#[test]
fn the_last_value_of_each_key_stays_and_what_is_superseded_goes() {
    for_seeds(40, |seed| whole(&Plan::new(seed)).map(drop));
}

#[test]
fn sim_a_crash_at_any_operation_leaves_the_old_segments_or_the_new_ones() {
    for_seeds(1, |seed| {
        let plan = Plan::short(seed);
        for n in whole(&plan)? {
            for death in [
                (false, Survival::Nothing),
                (true, Survival::Nothing),
                (true, Survival::Everything),
                (false, Survival::Some),
                (true, Survival::Some),
            ] {
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
                let mut world = dead(&plan, n, (true, survival))?;
                world.faults.crash_at(m, random.one_in(2));
                let again = match world.open() {
                    Ok(()) => world.faults.crashed(),
                    Err(Halt::Refused(_)) => true,
                    Err(Halt::Broken(error)) => return Err(error.context(format!("{n}, {m}"))),
                };
                if !again {
                    break;
                }
                let place = format!(
                    "crash at {n}, then at {m} of the recovery: {:?}",
                    world.faults.hit()
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
                world.faults.fail_at(n, fault);
                let result = world.run(&plan.steps);
                let hit = world.faults.hit();
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
    match world.run(&plan.steps) {
        Ok(()) => Ok(world.compactions.into_iter().flatten().collect()),
        Err(Halt::Refused(error)) => bail!("refused without a fault: {error}"),
        Err(Halt::Broken(error)) => Err(error),
    }
}

/// A world that died at operation `n`.
fn dead(plan: &Plan, n: u64, (applied, survival): (bool, Survival)) -> Result<World> {
    let mut world = World::new(plan);
    // What comes before was checked when the operations were counted.
    world.checking = false;
    world.faults.crash_at(n, applied);
    match world.run(&plan.steps) {
        Ok(()) if !world.faults.crashed() => bail!("operation {n} did not come"),
        // The last step had already done what matters.
        Ok(()) | Err(Halt::Refused(_)) => {}
        Err(Halt::Broken(error)) => return Err(error),
    }
    world.die(survival, n);
    Ok(world)
}

fn crash(plan: &Plan, n: u64, death: (bool, Survival)) -> Result<()> {
    let mut world = dead(plan, n, death)?;
    goes_on(&mut world)?;
    world.die(Survival::Nothing, n);
    goes_on(&mut world).context("after a second crash")
}

/// Opens the log and uses it: all must be as if nothing had been.
fn goes_on(world: &mut World) -> Result<()> {
    match world.run(&after()) {
        Ok(()) => Ok(()),
        Err(Halt::Refused(error)) => bail!("refused after a recovery: {error}"),
        Err(Halt::Broken(error)) => Err(error),
    }
}
