//! The machine dies.

use anyhow::{Context, Result, bail};
use tidemill_env::sim::{SimRandom, Survival};

use crate::plan::{BatchPlan, Plan, Step};
use crate::thorough;
use crate::world::{Halt, World};

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
    match world.run(&plan.steps) {
        Ok(()) => Ok(world.faults.operations()),
        Err(Halt::Refused(error)) => bail!("refused without a fault: {error}"),
        Err(Halt::Broken(error)) => Err(error.context("without a fault")),
    }
}

/// A world that died at operation `n`; what was not synced has survived as `survival` says.
fn died(plan: &Plan, n: u64, (applied, survival): (bool, Survival)) -> Result<World> {
    let mut world = World::new(plan);
    world.faults.crash_at(n, applied);
    world.checking = false;
    match world.run(&plan.steps) {
        Ok(()) if !world.faults.crashed() => bail!("operation {n} did not come"),
        // The last step had already done what matters.
        Ok(()) | Err(Halt::Refused(_)) => {}
        Err(Halt::Broken(error)) => return Err(error),
    }
    world.log = None;
    world.disk.crash(survival, n);
    world.reboot();
    world.checking = true;
    Ok(world)
}

fn recovers(world: &mut World) -> Result<()> {
    match world.open() {
        Ok(()) => Ok(()),
        Err(Halt::Refused(error)) => bail!("does not open: {error}"),
        Err(Halt::Broken(error)) => Err(error),
    }
}

pub(crate) fn goes_on(world: &mut World) -> Result<()> {
    for step in go_on() {
        match world.step(&step) {
            Ok(()) => {}
            Err(Halt::Refused(error)) => bail!("{step:?} is refused: {error}"),
            Err(Halt::Broken(error)) => return Err(error.context(format!("{step:?}"))),
        }
    }
    Ok(())
}

/// The ways to die that are tried at an operation.
const DEATHS: [(bool, Survival); 5] = [
    (false, Survival::Nothing),
    (true, Survival::Nothing),
    (true, Survival::Everything),
    (false, Survival::Some),
    (true, Survival::Some),
];

pub(crate) fn at_every_operation(seed: u64) -> Result<()> {
    let plan = Plan::new(seed);
    for n in 0..operations(&plan)? {
        for (at, death) in (0..).zip(DEATHS) {
            // An ordinary run tries one tidy and one untidy death at each operation.
            if !(thorough() || at == n % 3 || at == 3 + n % 2) {
                continue;
            }
            let mut hit = None;
            let one = |hit: &mut Option<String>| {
                let mut world = died(&plan, n, death)?;
                recovers(&mut world).context("recovery")?;
                *hit = world.faults.hit();
                goes_on(&mut world).context("after recovery")?;
                // Whatever was acknowledged after the recovery survives the next crash.
                world.disk.crash(Survival::Nothing, n);
                world.reboot();
                recovers(&mut world).context("second recovery")
            };
            one(&mut hit).with_context(|| format!("crash at operation {n}, {death:?}"))?;
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
            let mut world = died(&plan, n, first)?;
            world.faults.crash_at(m, random.one_in(2));
            let died_again = match world.open() {
                Ok(()) => world.faults.crashed(),
                Err(Halt::Refused(_)) => true,
                Err(Halt::Broken(error)) => return Err(error).context(format!("crash at {n}, then at {m}")),
            };
            let hit = world.faults.hit();
            let again = |mut world: World| {
                world.disk.crash(Survival::Some, m);
                world.reboot();
                recovers(&mut world)?;
                goes_on(&mut world)
            };
            if !died_again {
                break;
            }
            again(world).with_context(|| {
                format!("crash at operation {n}, then at operation {m} of recovery ({hit:?})")
            })?;
            m += stride;
        }
    }
    Ok(())
}
