//! The machine dies.

use anyhow::{Context, Result};
use tidemill_env::sim::{SimRandom, Survival};

use crate::mortal::{DEATHS, Mortal, thorough, unrefused};
use crate::plan::{BatchPlan, Plan, Step};
use crate::world::World;

/// What is done after each recovery: the log must go on as if nothing had been.
pub(crate) fn go_on() -> Vec<Step> {
    let batch = |value_bytes| BatchPlan {
        times: vec![1_005_000, 999_000],
        value_bytes,
        gap: 0,
    };
    let append = |batches| Step::Append {
        batches,
        new_epoch: true,
    };
    vec![
        append(vec![batch(10)]),
        Step::Sync,
        append(vec![batch(900), batch(900), batch(1)]),
        Step::Sync,
        Step::Check,
    ]
}

/// How many operations the history has.
pub(crate) fn operations(plan: &Plan) -> Result<u64> {
    let mut world = World::new(plan);
    unrefused(world.run(&plan.steps), "without a fault")?;
    Ok(world.machine.faults.operations())
}

pub(crate) fn goes_on(world: &mut World) -> Result<()> {
    go_on()
        .iter()
        .try_for_each(|step| unrefused(world.step(step), &format!("at {step:?}")))
}

pub(crate) fn at_every_operation(seed: u64) -> Result<()> {
    let plan = Plan::new(seed);
    for n in 0..operations(&plan)? {
        for (at, death) in (0..).zip(DEATHS) {
            // An ordinary run tries one tidy and one untidy death at each operation.
            if !(thorough() || at == n % 3 || at == 3 + n % 2) {
                continue;
            }
            let one = || {
                let mut world = World::new(&plan).dead_at(n, death)?;
                unrefused(world.open(), "by the recovery")?;
                goes_on(&mut world).context("after recovery")?;
                // Whatever was acknowledged after the recovery survives the next crash.
                world.die(Survival::Nothing, n);
                unrefused(world.open(), "by the second recovery")
            };
            one().with_context(|| format!("crash at operation {n}, {death:?}"))?;
        }
    }
    Ok(())
}

pub(crate) fn twice(seed: u64) -> Result<()> {
    let plan = Plan::new(seed);
    let random = SimRandom::new(seed);
    for n in 0..operations(&plan)? {
        // The first crash leaves a mess. A thorough run tries every operation of its recovery.
        let first = DEATHS[3 + random.index(2)];
        let stride = if thorough() { 1 } else { 13 };
        let mut m = random.below(stride);
        loop {
            let mut world = World::new(&plan).dead_at(n, first)?;
            let died_again = world.dies_in_recovery(m, random.one_in(2));
            if !died_again.with_context(|| format!("crash at {n}"))? {
                break;
            }
            let hit = world.machine.faults.hit();
            world.die(Survival::Some, m);
            let done = unrefused(world.open(), "by the recovery").and_then(|()| goes_on(&mut world));
            done.with_context(|| {
                format!("crash at operation {n}, then at operation {m} of recovery ({hit:?})")
            })?;
            m += stride;
        }
    }
    Ok(())
}
