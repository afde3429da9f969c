//! A log on a machine that may die.

use std::time::Duration;

use anyhow::Result;
use tidemill_env::sim::Survival;
use tidemill_storage::{Log, LogConfig};
use tidemill_wire::batch::Batch;

use crate::check;
use crate::model::Model;
use crate::mortal::{Halt, Machine, Mortal, dir, promised};
use crate::plan::{BatchPlan, Plan, Step};

pub(crate) struct World {
    pub(crate) machine: Machine,
    config: LogConfig,
    steps: Vec<Step>,
    pub(crate) log: Option<Log>,
    pub(crate) model: Model,
    /// Whether the log is compared with the model. A replay of what was compared before need not be.
    pub(crate) checking: bool,
}

impl Mortal for World {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn open(&mut self) -> Result<(), Halt> {
        let (log, _) = Log::open(&self.machine.env, dir(), self.config.clone())?;
        check::opened(&log, &mut self.model)?;
        self.log = Some(log);
        self.check()?;
        Ok(())
    }

    fn play(&mut self) -> Result<(), Halt> {
        self.checking = false;
        self.run(&self.steps.clone())
    }

    fn die(&mut self, survival: Survival, seed: u64) {
        self.log = None;
        self.machine.die(survival, seed);
        self.checking = true;
    }
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            machine: Machine::new(0),
            config: plan.config.clone(),
            steps: plan.steps.clone(),
            log: None,
            model: Model::default(),
            checking: true,
        }
    }

    /// A new process on the same disk, without faults.
    pub(crate) fn reboot(&mut self) {
        self.log = None;
        self.machine.reboot();
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !self.checking {
            return Ok(());
        }
        check::indexes(&self.machine.disk, self.open_log(), &self.model)?;
        check::log(self.open_log(), &self.model)
    }

    pub(crate) fn open_log(&self) -> &Log {
        self.log.as_ref().expect("the log is open")
    }

    /// Opens the log and does all steps until one is refused.
    pub(crate) fn run(&mut self, steps: &[Step]) -> Result<(), Halt> {
        self.open()?;
        steps.iter().try_for_each(|step| self.step(step))
    }

    pub(crate) fn step(&mut self, step: &Step) -> Result<(), Halt> {
        match step {
            Step::Append { batches, new_epoch } => self.append(batches, *new_epoch)?,
            Step::Sync => self.sync()?,
            Step::Delete(place) => self.delete(self.model.place(*place))?,
            Step::Maintain { pass_ms } => self.maintain(*pass_ms)?,
            Step::Truncate(place) => self.truncate(self.model.place(*place))?,
            Step::Restart => {
                self.open_log().close()?;
                self.model.acked_end = self.model.end;
                self.reopen_whole(true)?;
            }
            Step::Kill => self.reopen_whole(false)?,
            Step::Check => self.check()?,
        }
        Ok(())
    }

    fn append(&mut self, plans: &[BatchPlan], new_epoch: bool) -> Result<(), Halt> {
        self.model.epoch += i32::from(new_epoch);
        let as_is = plans.iter().any(|plan| plan.gap > 0);
        let stored = self.model.offer(plans);
        let batches: Vec<Batch> = stored.iter().map(|stored| stored.batch()).collect();
        let log = self.open_log();
        let appended = if as_is {
            log.append_as_is(&batches)?
        } else {
            log.append(&batches, self.model.epoch)?
        };
        let (first, last) = (stored.first().unwrap(), stored.last().unwrap());
        let placed = (appended.base_offset, appended.next_offset);
        self.model.end = last.next;
        promised(placed == (first.base, last.next), || {
            format!("placed at {placed:?}")
        })
    }

    fn sync(&mut self) -> Result<(), Halt> {
        let durable = self.open_log().sync()?;
        let end = self.model.end;
        self.model.acked_end = end;
        promised(durable == end, || format!("durable to {durable} of {end}"))
    }

    fn delete(&mut self, offset: i64) -> Result<(), Halt> {
        self.model.may_start = self.model.may_start.max(offset);
        let start = self.open_log().delete_before(offset)?;
        let expected = self.model.start.max(offset);
        self.model.start = start;
        self.model.acked_start = start;
        self.model.acked_end = self.model.acked_end.max(offset);
        promised(start == expected, || format!("begins at {start}, not {expected}"))
    }

    fn maintain(&mut self, pass_ms: u64) -> Result<(), Halt> {
        use tidemill_env::Clock;
        self.machine.clock.advance(Duration::from_millis(pass_ms));
        let asked = self.model.may_start;
        self.model.may_start = self.model.end;
        self.open_log().maintain(self.machine.clock.wall_ms())?;
        self.model.start = self.open_log().offsets().start;
        self.model.acked_start = self.model.start;
        self.model.may_start = asked.max(self.model.start);
        Ok(())
    }

    fn truncate(&mut self, offset: i64) -> Result<(), Halt> {
        if offset >= self.model.end {
            return Ok(());
        }
        let cut = self.model.cut_at(offset).max(self.model.start);
        self.model.acked_end = self.model.acked_end.min(cut);
        self.model.acked_start = self.model.acked_start.min(cut);
        self.open_log().truncate_to(offset)?;
        let offsets = self.open_log().offsets();
        self.model.batches.retain(|batch| batch.next <= offset);
        self.model.end = offsets.end;
        self.model.acked_end = offsets.end;
        self.model.start = offsets.start;
        self.model.acked_start = offsets.start;
        self.model.may_start = offsets.start;
        promised(offsets.end <= offset, || {
            format!("ends at {} after a cut at {offset}", offsets.end)
        })
    }

    /// Opens the log anew on a machine that ran on: nothing may be missing.
    fn reopen_whole(&mut self, closed: bool) -> Result<(), Halt> {
        let end = self.model.end;
        self.log = None;
        // The new process has never heard of what is in the page cache only, yet it must find it.
        self.open()?;
        let found = self.open_log().offsets();
        promised(found.end == end, || {
            format!("closed: {closed}; ends at {}, not {end}", found.end)
        })
    }
}
