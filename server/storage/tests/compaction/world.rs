//! A compacted log on a machine that may die.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Result, ensure};
use tidemill_env::Clock;
use tidemill_env::sim::Survival;
use tidemill_storage::{Compaction, CompactionOrder, Log, LogConfig};
use tidemill_wire::batch::BatchHeader;

use crate::check;
use crate::model::Model;
use crate::mortal::{Halt, Machine, Mortal, dir, promised};
use crate::plan::{BatchPlan, Plan, Step};

pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) config: LogConfig,
    steps: Vec<Step>,
    pub(crate) log: Option<Log>,
    pub(crate) model: Model,
    /// Whether the log is compared with the model after each step.
    pub(crate) checking: bool,
    /// Operations of compactions, by number.
    pub(crate) compactions: Vec<Range<u64>>,
}

impl Mortal for World {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn open(&mut self) -> Result<(), Halt> {
        self.log = None;
        let (log, recovery) = Log::open(&self.machine.env, dir(), self.config.clone())?;
        let found = log.offsets();
        let model = &mut self.model;
        let expected = || -> Result<()> {
            ensure!(
                found.end >= model.acked_end,
                "ends at {found:?}, acknowledged to {} ({recovery:?})",
                model.acked_end
            );
            ensure!(
                (model.acked_start..=model.may_start.max(model.acked_start)).contains(&found.start),
                "begins at {}, not at {} to {}",
                found.start,
                model.acked_start,
                model.may_start
            );
            Ok(())
        };
        expected()?;
        model.found(found);
        self.log = Some(log);
        self.check()
    }

    fn play(&mut self) -> Result<(), Halt> {
        self.checking = false;
        self.run(&self.steps.clone())
    }

    fn die(&mut self, survival: Survival, seed: u64) {
        self.log = None;
        self.machine.die(survival, seed);
        self.model.relax();
        self.checking = true;
    }
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            machine: Machine::new(7),
            config: plan.config.clone(),
            steps: plan.steps.clone(),
            log: None,
            model: Model {
                delete_retention_ms: plan.config.delete_retention_ms,
                ..Model::default()
            },
            checking: true,
            compactions: Vec::new(),
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.machine.clock.wall_ms()
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.machine.clock.advance(Duration::from_millis(ms));
    }

    /// Base offsets and sizes of the segments.
    pub(crate) fn segments(&self) -> Vec<(i64, u64)> {
        let segments = self.open_log().segments();
        segments
            .iter()
            .map(|segment| (segment.base_offset, segment.bytes))
            .collect()
    }

    pub(crate) fn open_log(&self) -> &Log {
        self.log.as_ref().expect("the log is open")
    }

    pub(crate) fn check(&self) -> Result<(), Halt> {
        if !self.checking {
            return Ok(());
        }
        check::log(self.open_log(), &self.model, self.now_ms())?;
        Ok(())
    }

    /// Opens the log and does all steps until one is refused.
    pub(crate) fn run(&mut self, steps: &[Step]) -> Result<(), Halt> {
        self.open()?;
        for step in steps {
            self.step(step)?;
            self.check().map_err(|halt| match halt {
                Halt::Broken(error) => Halt::Broken(error.context(format!("after {step:?}"))),
                refused @ Halt::Refused(_) => refused,
            })?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Halt> {
        match step {
            Step::Append(batches) => self.append(batches)?,
            Step::Sync => {
                self.open_log().sync()?;
                self.model.acked_end = self.model.end;
            }
            Step::Compact {
                upto,
                pass_ms,
                map_bytes,
            } => {
                self.pass(*pass_ms);
                self.compact(self.model.place(self.model.start, *upto), *map_bytes)?;
            }
            Step::Delete(place) => {
                let offset = self.model.place(self.model.start, *place);
                self.model.may_start = self.model.may_start.max(offset);
                self.model.start = self.open_log().delete_before(offset)?;
                self.model.acked_start = self.model.start;
            }
            Step::Maintain(pass_ms) => {
                self.pass(*pass_ms);
                self.model.may_start = self.model.may_start.max(self.model.acked_end);
                self.open_log().maintain(self.now_ms())?;
                self.model.start = self.open_log().offsets().start;
                self.model.acked_start = self.model.start;
                self.model.may_start = self.model.start;
            }
            Step::Truncate(place) => self.truncate(*place)?,
            Step::Restart => {
                self.open_log().close()?;
                self.model.acked_end = self.model.end;
                self.open()?;
            }
            Step::Kill => {
                let end = self.model.end;
                self.open()?;
                promised(self.model.end == end, || {
                    format!("ends at {} after {end}", self.model.end)
                })?;
            }
        }
        Ok(())
    }

    pub(crate) fn append(&mut self, plans: &[BatchPlan]) -> Result<(), Halt> {
        let batches = self.model.offer(plans);
        let appended = self.open_log().append(&batches, 0)?;
        self.model.end = appended.next_offset;
        Ok(())
    }

    pub(crate) fn compact(&mut self, upto: i64, map_bytes: usize) -> Result<Compaction, Halt> {
        let now_ms = self.now_ms();
        self.model.compacting(upto, now_ms);
        let last = self.model.last_of_producers(upto);
        let order = CompactionOrder {
            upto,
            now_ms,
            map_bytes,
            last_of_producer: &|header: &BatchHeader| {
                let last = last.get(&header.producer_id);
                last.is_some_and(|last| last.base_offset == header.base_offset)
            },
            cancelled: &|| false,
        };
        let begin = self.machine.faults.operations();
        let done = self.open_log().compact(&order);
        let operations = begin..self.machine.faults.operations();
        let done = done?;
        self.compactions.push(operations);
        self.model.acked_end = self.model.end;
        self.model.clean_upto = self.model.clean_upto.max(done.clean_upto);
        promised(
            !done.interrupted && done.clean_upto <= upto.max(self.model.start),
            || format!("{done:?} below {upto}"),
        )?;
        promised(done.bytes_after <= done.bytes_before + 64 * 1024, || {
            format!("{done:?}")
        })?;
        Ok(done)
    }

    fn truncate(&mut self, place: u64) -> Result<(), Halt> {
        // Compaction stays below the high watermark, and cuts above it.
        let from = self.model.tried_upto.max(self.model.start);
        let wanted = self.model.place(from, place);
        let mut ends = self.model.batches.values().map(BatchHeader::next_offset);
        let Some(offset) = ends
            .find(|end| *end >= wanted)
            .filter(|end| *end < self.model.end)
        else {
            return Ok(());
        };
        self.model.acked_end = self.model.acked_end.min(offset);
        self.open_log().truncate_to(offset)?;
        let found = self.open_log().offsets();
        promised(found.end == offset, || {
            format!("ends at {} after a cut at {offset}", found.end)
        })?;
        self.model.forget_from(offset);
        self.model.end = offset;
        Ok(())
    }
}
