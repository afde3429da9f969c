//! The disk fails.

use anyhow::{Context, Result, bail, ensure};
use tidemill_env::sim::{Fault, Survival};
use tidemill_storage::StorageError;
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use crate::check;
use crate::crash::{goes_on, operations};
use crate::mortal::{Halt, Mortal, thorough, unrefused};
use crate::plan::{Plan, Step};
use crate::world::World;

pub(crate) fn at_every_operation(seed: u64) -> Result<()> {
    let plan = Plan::new(seed);
    for n in 0..operations(&plan)? {
        for fault in [Fault::Io, Fault::Full] {
            if fault == Fault::Full && n % 3 > 0 && !thorough() {
                continue;
            }
            at(&plan, n, fault).with_context(|| format!("{fault:?} at operation {n}"))?;
        }
    }
    Ok(())
}

fn at(plan: &Plan, n: u64, fault: Fault) -> Result<()> {
    let mut world = World::new(plan);
    world.machine.faults.fail_at(n, fault);
    world.checking = false;
    // The host tries again to open what did not open.
    for _ in 0..2 {
        match world.open() {
            Ok(()) => break,
            Err(Halt::Refused(_)) => {}
            Err(Halt::Broken(error)) => return Err(error),
        }
    }
    for step in &plan.steps {
        match world.step(step) {
            Ok(()) => {}
            Err(Halt::Broken(error)) => {
                return Err(error.context(format!("{step:?}, {:?}", world.machine.faults.hit())));
            }
            Err(Halt::Refused(error)) => {
                world.checking = true;
                if after_refusal(&mut world, step, &error)
                    .with_context(|| format!("{step:?}, {:?}: {error}", world.machine.faults.hit()))?
                {
                    return Ok(());
                }
            }
        }
    }
    ensure!(world.machine.faults.hit().is_some(), "operation {n} did not come");
    restarts(&mut world)
}

/// Whether the history ends: the log has failed, or is not open.
fn after_refusal(world: &mut World, step: &Step, error: &StorageError) -> Result<bool> {
    let Some(log) = &world.log else {
        // The restart failed half-way; the next attempt must find everything.
        restarts(world)?;
        return Ok(true);
    };
    if log.failed().is_none() {
        ensure!(
            matches!(step, Step::Delete(_) | Step::Maintain { .. }),
            "only what removes records may fail and leave the log as it was"
        );
        // The log as it was still stands.
        world.model.start = log.offsets().start;
        world.check()?;
        return Ok(false);
    }
    // Once failed, always failed: nothing is tried again on a disk that lied.
    let full = matches!(error, StorageError::Full { .. });
    let offsets = log.offsets();
    let mut again = vec![
        log.append(&[batch()], 0).err(),
        log.sync().err(),
        log.close().err(),
    ];
    if offsets.start < offsets.end {
        again.push(log.truncate_to(offsets.start).err());
    }
    for refusal in again {
        match refusal {
            Some(StorageError::Full { .. }) if full => {}
            Some(StorageError::Failed { .. }) if !full => {}
            other => bail!("the second time: {other:?}"),
        }
    }
    let acked = world.model.acked_end;
    if !matches!(step, Step::Truncate(_)) {
        world.model.start = world.open_log().offsets().start;
        check::records(world.open_log(), &world.model, acked)
            .context("acknowledged records stay readable")?;
    }
    ensure!(
        world.open_log().close().is_err(),
        "a failed log has no clean close"
    );
    restarts(world)?;
    Ok(true)
}

fn batch() -> Batch {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(&RecordData {
        timestamp: 0,
        key: None,
        value: None,
        headers: &[],
    });
    Batch::parse(&mut builder.build()).unwrap()
}

/// The process starts anew on a disk that works again, and then the power goes.
fn restarts(world: &mut World) -> Result<()> {
    world.reboot();
    unrefused(world.open(), "after a restart")?;
    // What a restart serves is as durable as what was acknowledged.
    world.die(Survival::Nothing, 0);
    unrefused(world.open(), "after a power cut")?;
    goes_on(world)
}
