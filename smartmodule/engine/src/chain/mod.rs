//! Modules one after the other, over record batches.

mod apply;
mod place;
mod step;
mod work;

use bytes::Bytes;
use tidemill_wire::batch::Batch;

pub use place::Place;
pub use step::{OnError, Step, StepReport};

use crate::error::SmartModuleError;
use crate::module::Digest;
use apply::Applied;
use step::Running;
use work::Work;

/// Most bytes that the records of one batch may unfold to.
const UNFOLDED: usize = 512 << 20;

/// Modules in being, one after the other. It serves one stream, in order.
pub struct Chain {
    steps: Vec<Running>,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The batch that goes on.
    pub output: Output,
    /// Records that a validating module refused, in order.
    pub rejected: Vec<Rejected>,
    /// Records that were put aside.
    pub dead: Vec<DeadLetter>,
    /// What each step did.
    pub steps: Vec<StepReport>,
}

/// The batch that goes on.
#[derive(Debug, Default, PartialEq)]
pub enum Output {
    /// The same one, byte for byte.
    #[default]
    Same,
    /// Another, at the same place in the log and in its producer's sequence.
    Batch(Bytes),
    /// None of its records.
    Nothing,
}

/// A record that a validating module refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which record of the batch that came in.
    pub index: u32,
    /// Its offset, counted from the batch's base offset.
    pub offset_delta: i64,
    /// Why.
    pub reason: String,
}

/// A record that was put aside.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Which record of the batch that came in.
    pub index: u32,
    /// Its offset, counted from the batch's base offset.
    pub offset_delta: i64,
    /// What the module that failed it is known by.
    pub module: Digest,
    /// Which step of the chain that was.
    pub step: usize,
    /// What the module said.
    pub error: String,
}

/// Why a chain stopped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("step {} ({digest}){}: {error}", step + 1, at(*offset_delta))]
pub struct ChainError {
    /// Which step, from 0.
    pub step: usize,
    /// Its module.
    pub digest: Digest,
    /// The record at which it failed, as its offset from the batch's base offset, where that is known.
    pub offset_delta: Option<i64>,
    /// Why.
    pub error: SmartModuleError,
}

fn at(offset_delta: Option<i64>) -> String {
    offset_delta.map_or_else(String::new, |delta| format!(" at record {delta} of the batch"))
}

impl Chain {
    /// Starts every step.
    ///
    /// # Errors
    /// [`ChainError`]: a module does not fit the place, or does not start.
    pub fn start(steps: &[Step], place: Place) -> Result<Chain, ChainError> {
        let start = |(at, step): (usize, &Step)| {
            place
                .check(step.module.description().kind)
                .and_then(|()| Running::start(step))
                .map_err(|error| ChainError {
                    step: at,
                    digest: step.module.digest(),
                    offset_delta: None,
                    error,
                })
        };
        let steps = steps.iter().enumerate().map(start).collect::<Result<_, _>>()?;
        Ok(Chain { steps })
    }

    /// Bytes of memory that its modules have.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.steps.iter().map(Running::memory).sum()
    }

    /// Whether any step can rebuild its state from older records.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        self.steps.iter().any(Running::looks_back)
    }

    /// Shows older records to the steps that look back. Each sees them as they lie in the topic.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn look_back(&mut self, batch: &Batch) -> Result<(), ChainError> {
        let Chain { steps } = self;
        for (at, step) in steps.iter_mut().enumerate().filter(|(_, step)| step.looks_back()) {
            let digest = step.digest();
            let failed = |error| ChainError {
                step: at,
                digest,
                offset_delta: None,
                error,
            };
            let work = Work::of(batch, UNFOLDED).map_err(failed)?;
            step.look_back(&work).map_err(failed)?;
        }
        Ok(())
    }

    /// Runs a batch through all steps. A batch of control records goes on as it is.
    ///
    /// # Errors
    /// [`ChainError`]: a step failed whose policy is to fail. Steps before it have seen the batch; a caller that
    /// tries it again shows it to them twice.
    pub fn run(&mut self, batch: &Batch) -> Result<Outcome, ChainError> {
        let mut outcome = Outcome::default();
        if batch.header.attributes.control() || batch.header.record_count == 0 || self.steps.is_empty() {
            return Ok(outcome);
        }
        let first = self.steps.first().map(Running::digest);
        let unreadable = |error| ChainError {
            step: 0,
            digest: first.unwrap_or_else(|| Digest::of(&[])),
            offset_delta: None,
            error,
        };
        let mut work = Work::of(batch, UNFOLDED).map_err(unreadable)?;
        for (at, step) in self.steps.iter_mut().enumerate() {
            if work.count() == 0 {
                outcome.steps.push(StepReport::default());
                continue;
            }
            let digest = step.digest();
            let Applied { next, report, failed } = step.run(&work).map_err(|(index, error)| ChainError {
                step: at,
                digest,
                offset_delta: index.and_then(|index| work.offset_delta(index)),
                error,
            })?;
            for (index, reason) in failed {
                let offset_delta = work.offset_delta(index).unwrap_or(-1);
                let index = work.origin(index);
                step.put_aside(&mut outcome, (at, digest), (index, offset_delta), reason);
            }
            outcome.steps.push(report);
            if let Some(next) = next {
                work = next;
            }
        }
        outcome.output = work.finish(batch).map_err(unreadable)?;
        Ok(outcome)
    }
}
