//! A chain on trial: run as a server would, an instance for each partition, and what came of each record.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tidemill_smartengine::{Chain, ChainError, Outcome, Output as Came, Place, Step, StepReport};
use tidemill_wire::batch::Batch;

use super::samples::Part;
use crate::commands::consume::json as consumed;

/// A chain, and the sums of what it did.
pub(super) struct Trial {
    steps: Vec<Step>,
    place: Place,
    chains: BTreeMap<i32, Chain>,
    /// What each step did so far.
    pub(super) sums: Vec<StepReport>,
    /// How long it took to start one instance of each module.
    pub(super) started: Duration,
}

/// What came of a batch. Each is a document with the offset of the record that it came of.
#[derive(Default)]
pub(super) struct Results {
    /// Records that go on, as `consume` shows them.
    pub(super) records: Vec<Value>,
    /// Records that are refused, and why.
    pub(super) rejected: Vec<Value>,
    /// Records that are put aside, and why.
    pub(super) dead: Vec<Value>,
}

impl Results {
    pub(super) fn append(&mut self, mut other: Results) {
        self.records.append(&mut other.records);
        self.rejected.append(&mut other.rejected);
        self.dead.append(&mut other.dead);
    }
}

impl Trial {
    /// Starts the chain once, to see whether it does.
    ///
    /// # Errors
    /// A module does not fit the place, or does not start.
    pub(super) fn start(steps: Vec<Step>, place: Place) -> Result<Trial, ChainError> {
        let begun = Instant::now();
        let first = Chain::start(&steps, place)?;
        Ok(Trial {
            sums: vec![StepReport::default(); steps.len()],
            steps,
            place,
            chains: BTreeMap::from([(0, first)]),
            started: begun.elapsed(),
        })
    }

    /// Runs a batch.
    ///
    /// # Errors
    /// The chain ends at it.
    pub(super) fn run(&mut self, part: &Part) -> Result<Outcome, ChainError> {
        let chain = match self.chains.remove(&part.partition) {
            Some(chain) => chain,
            None => Chain::start(&self.steps, self.place)?,
        };
        let chain = self.chains.entry(part.partition).or_insert(chain);
        let outcome = chain.run(&part.batch)?;
        for (sum, step) in self.sums.iter_mut().zip(&outcome.steps) {
            *sum = sum.plus(step);
        }
        Ok(outcome)
    }

    /// The sums of each step, under the name of its file.
    pub(super) fn steps(&self, files: &[PathBuf]) -> Vec<Value> {
        let step = |(file, step): (&PathBuf, &StepReport)| {
            json!({
                "file": file,
                "recordsIn": step.records_in,
                "recordsOut": step.records_out,
                "recordsFailed": step.records_failed,
                "crashes": step.crashes,
                "cpuUs": step.cpu.as_secs_f64() * 1e6,
                "memoryBytes": step.memory,
            })
        };
        files.iter().zip(&self.sums).map(step).collect()
    }
}

/// The processor time that a step took for each record.
pub(super) fn each(step: &StepReport) -> Duration {
    step.cpu / u32::try_from(step.records_in.max(1)).unwrap_or(u32::MAX)
}

/// What came of a batch, as documents.
pub(super) fn results(part: &Part, outcome: &Outcome) -> Result<Results> {
    let base = part.batch.header.base_offset;
    let partition = part.partition;
    Ok(Results {
        records: records(part, outcome)?,
        rejected: outcome
            .rejected
            .iter()
            .map(|record| {
                json!({
                    "partition": partition,
                    "offset": base + record.offset_delta,
                    "reason": record.reason,
                })
            })
            .collect(),
        dead: outcome
            .dead
            .iter()
            .map(|record| {
                json!({
                    "partition": partition,
                    "offset": base + record.offset_delta,
                    "step": record.step + 1,
                    "error": record.error,
                })
            })
            .collect(),
    })
}

fn records(part: &Part, outcome: &Outcome) -> Result<Vec<Value>> {
    let bytes = match &outcome.output {
        Came::Same => part.batch.bytes.clone(),
        Came::Batch(bytes) => bytes.clone(),
        Came::Nothing => return Ok(Vec::new()),
    };
    let batch = Batch::parse(&mut bytes.clone()).context("what came out is no batch")?;
    let mut shown = Vec::new();
    for record in batch.records(usize::MAX)?.iter() {
        let mut line = Vec::new();
        consumed::write(&mut line, "", part.partition, &record?);
        let mut value: Value = serde_json::from_slice(&line)?;
        if let Some(object) = value.as_object_mut() {
            object.remove("topic");
        }
        shown.push(value);
    }
    Ok(shown)
}
