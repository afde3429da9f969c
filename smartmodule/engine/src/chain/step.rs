//! One module of a chain.

use std::sync::Arc;
use std::time::Duration;

use tidemill_frame::FrameKind;

use super::apply::{Applied, apply};
use super::work::Work;
use super::{DeadLetter, Outcome, Rejected};
use crate::description::Kind;
use crate::error::SmartModuleError;
use crate::instance::{Call, Instance, Setting};
use crate::module::{Digest, Module};

/// One module of a chain, and how it is attached.
#[derive(Clone)]
pub struct Step {
    /// The module.
    pub module: Arc<Module>,
    /// Its parameters and limits.
    pub setting: Setting,
    /// What happens to records that it fails.
    pub on_error: OnError,
}

/// What happens to a record that a module fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The stream stops with the error.
    #[default]
    Fail,
    /// The record is left out.
    Skip,
    /// The record goes on as it came to this step.
    Pass,
    /// The record is put aside, as it came to the chain.
    DeadLetter,
}

/// What a step did to one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepReport {
    /// Records that it was given.
    pub records_in: u64,
    /// Records that went on.
    pub records_out: u64,
    /// Records that it failed.
    pub records_failed: u64,
    /// Times that it crashed or was stopped.
    pub crashes: u64,
    /// Processor time.
    pub cpu: Duration,
    /// Bytes of memory that it has.
    pub memory: usize,
}

impl StepReport {
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &StepReport) -> StepReport {
        StepReport {
            records_in: self.records_in + other.records_in,
            records_out: self.records_out + other.records_out,
            records_failed: self.records_failed + other.records_failed,
            crashes: self.crashes + other.crashes,
            cpu: self.cpu + other.cpu,
            memory: self.memory.max(other.memory),
        }
    }
}

fn index_of(error: &SmartModuleError) -> Option<u32> {
    match error {
        SmartModuleError::Failed { index, .. } => *index,
        _ => None,
    }
}

/// A step in being.
pub(super) struct Running {
    step: Step,
    instance: Option<Instance>,
    /// What has been folded so far.
    accumulator: Vec<u8>,
}

/// How often a module may crash over one batch before the batch is given up.
const CRASHES: u32 = 24;

/// A failure, at a record of the batch when that is known.
pub(super) type Failed = (Option<u32>, SmartModuleError);

impl Running {
    pub(super) fn start(step: &Step) -> Result<Running, SmartModuleError> {
        Ok(Running {
            instance: Some(step.module.instantiate(&step.setting)?),
            step: step.clone(),
            accumulator: Vec::new(),
        })
    }

    pub(super) fn memory(&self) -> usize {
        self.instance.as_ref().map_or(0, Instance::memory) + self.accumulator.len()
    }

    pub(super) fn digest(&self) -> Digest {
        self.step.module.digest()
    }

    pub(super) fn looks_back(&self) -> bool {
        self.step.module.description().look_back
    }

    pub(super) fn look_back(&mut self, work: &Work) -> Result<(), SmartModuleError> {
        let header = work.header(FrameKind::LookBack, 0);
        let body = work.body().clone();
        self.keep_if_sound(|instance| instance.look_back(&header, &body))
            .map(drop)
    }

    /// Runs the records through the module.
    pub(super) fn run(&mut self, work: &Work) -> Result<Applied, Failed> {
        let kind = self.step.module.description().kind;
        let tolerant = self.step.on_error != OnError::Fail && kind != Kind::Validate;
        let applied = if tolerant {
            let mut patience = CRASHES;
            self.run_around(work, &mut patience)
        } else {
            self.call(work)
        };
        match applied {
            Ok(applied) if tolerant || kind == Kind::Validate => Ok(applied),
            Ok(applied) => match applied.failed.first() {
                Some((index, message)) => {
                    let (index, message) = (Some(*index), message.clone());
                    Err((index, SmartModuleError::Failed { index, message }))
                }
                None => Ok(applied),
            },
            Err(error) => Err((index_of(&error), error)),
        }
    }

    /// Runs the records; where the module crashes over some, it is started anew and given fewer at once, until the
    /// record is found at which it crashes.
    fn run_around(&mut self, work: &Work, patience: &mut u32) -> Result<Applied, SmartModuleError> {
        let error = match self.call(work) {
            Ok(applied) => return Ok(applied),
            Err(error @ (SmartModuleError::Engine(_) | SmartModuleError::Misplaced(_))) => return Err(error),
            Err(error) => error,
        };
        let Some(left) = patience.checked_sub(1) else {
            return Err(error);
        };
        *patience = left;
        let mut applied =
            if let Some(index) = index_of(&error).filter(|index| work.count() > 1 && *index < work.count()) {
                // The module says itself which one it was.
                let (before, rest) = work.split(index)?;
                let (it, after) = rest.split(1)?;
                let before = self.run_some(&before, patience)?;
                let it = self.fail(&it, &error);
                let after = self.run_some(&after, patience)?;
                Self::joined(Self::joined(before, it, index), after, index + 1)
            } else if work.count() > 1 {
                let middle = work.count() / 2;
                let (first, second) = work.split(middle)?;
                let first = self.run_some(&first, patience)?;
                let second = self.run_some(&second, patience)?;
                Self::joined(first, second, middle)
            } else {
                self.fail(work, &error)
            };
        applied.report.crashes += 1;
        Ok(applied)
    }

    /// As [`Running::run_around`], with what goes on always given.
    fn run_some(&mut self, work: &Work, patience: &mut u32) -> Result<Applied, SmartModuleError> {
        if work.count() == 0 {
            return Ok(Applied {
                next: Some(work.with(Vec::new(), Vec::new())),
                ..Applied::default()
            });
        }
        let mut applied = self.run_around(work, patience)?;
        if applied.next.is_none() {
            applied.next = Some(work.split(work.count())?.0);
        }
        Ok(applied)
    }

    /// All of `work` failed with `error`.
    fn fail(&self, work: &Work, error: &SmartModuleError) -> Applied {
        let message = match error {
            SmartModuleError::Failed { message, .. } => message.clone(),
            other => other.to_string(),
        };
        let passes = self.step.on_error == OnError::Pass;
        let next = if passes {
            work.split(work.count()).map(|(all, _)| all).ok()
        } else {
            None
        };
        let next = next.unwrap_or_else(|| work.with(Vec::new(), Vec::new()));
        Applied {
            report: StepReport {
                records_in: u64::from(work.count()),
                records_out: u64::from(next.count()),
                records_failed: u64::from(work.count()),
                ..StepReport::default()
            },
            failed: (0..work.count()).map(|index| (index, message.clone())).collect(),
            next: Some(next),
        }
    }

    /// Two parts of a batch, the second beginning at record `at`.
    fn joined(first: Applied, second: Applied, at: u32) -> Applied {
        let next = match (first.next, second.next) {
            (Some(first), Some(second)) => Some(first.join(&second)),
            (first, second) => first.or(second),
        };
        let mut failed = first.failed;
        failed.extend(
            second
                .failed
                .into_iter()
                .map(|(index, reason)| (at + index, reason)),
        );
        Applied {
            next,
            report: first.report.plus(&second.report),
            failed,
        }
    }

    fn call(&mut self, work: &Work) -> Result<Applied, SmartModuleError> {
        let kind = self.step.module.description().kind;
        let on_error = self.step.on_error;
        let folds = kind == Kind::Aggregate;
        let (header, body) = if folds {
            let length = u32::try_from(self.accumulator.len()).unwrap_or(u32::MAX);
            let body = [&self.accumulator, &work.body()[..]].concat();
            (work.header(FrameKind::Aggregate, length), body.into())
        } else {
            let frame = if kind == Kind::Join {
                FrameKind::Join
            } else {
                FrameKind::Records
            };
            (work.header(frame, 0), work.body().clone())
        };
        let answered = self.keep_if_sound(|instance| {
            instance.process(&header, &body, |answer| {
                let accumulator = answer.accumulator().map(<[u8]>::to_vec);
                apply(work, kind, on_error, answer).map(|applied| (applied, accumulator))
            })
        });
        let (applied, Call { cpu, memory }) = answered?;
        let (mut applied, accumulator) = applied?;
        if folds {
            self.accumulator = accumulator.ok_or_else(|| {
                SmartModuleError::Answer("an aggregate answers with its accumulator".to_owned())
            })?;
        }
        applied.report.cpu = cpu;
        applied.report.memory = memory;
        Ok(applied)
    }

    /// Calls the instance, which is started anew if it was lost, and lets go of it when it can no longer be trusted.
    fn keep_if_sound<T>(
        &mut self,
        call: impl FnOnce(&mut Instance) -> Result<T, SmartModuleError>,
    ) -> Result<T, SmartModuleError> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.step.module.instantiate(&self.step.setting)?,
        };
        let result = call(&mut instance);
        if matches!(result, Ok(_) | Err(SmartModuleError::Failed { .. })) {
            self.instance = Some(instance);
        }
        result
    }

    /// Notes what becomes of a record that failed.
    pub(super) fn put_aside(
        &self,
        outcome: &mut Outcome,
        (step, module): (usize, Digest),
        (index, offset_delta): (u32, i64),
        reason: String,
    ) {
        if self.step.module.description().kind == Kind::Validate {
            outcome.rejected.push(Rejected {
                index,
                offset_delta,
                reason,
            });
        } else if self.step.on_error == OnError::DeadLetter {
            outcome.dead.push(DeadLetter {
                index,
                offset_delta,
                module,
                step,
                error: reason,
            });
        }
    }
}
