//! `tidemill smartmodule test`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tidemill_smartengine::{Chain, Module, OnError, Outcome, Output as Came, Place, Step, StepReport};
use tidemill_wire::batch::{Batch, Records};

use super::file::{self, Attached};
use super::samples::Samples;
use crate::commands::consume::json as consumed;
use crate::error::Failure;
use crate::output::{self, Output, counted, table, tell};

const EXPLAINED: &str = "\
Records come out as they would from a server: same engine, same limits. More files make a chain, in their order.

Examples:
  tidemill smartmodule test errors.wasm --record 'all is well' --record 'an error'
  tidemill smartmodule test parse.wasm redact.wasm --records samples.txt -o json
  tidemill consume orders --to-end --format json | tidemill smartmodule test m.wasm --records - --json-lines

The exit code is 0 when the chain ran to its end, also when records failed that the policy allows to fail; else 7.";

/// What to run, and on what.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// WebAssembly files, in the order of the chain
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    attached: Attached,
    #[command(flatten)]
    samples: Samples,
    /// What happens to a record that a module fails
    #[arg(long, value_enum, default_value = "fail")]
    on_error: Policy,
    /// Where the chain would be attached; it decides which kinds may run
    #[arg(long = "as", value_enum, default_value = "session", value_name = "PLACE")]
    place: Where,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// The stream stops
    Fail,
    /// The record is left out
    Skip,
    /// The record goes on as it was
    Pass,
    /// The record is put aside
    DeadLetter,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Where {
    /// On what producers send
    Ingest,
    /// On what any client reads
    View,
    /// On what one client reads
    Session,
    /// From topic to topic
    Pipeline,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let batch = options.samples.batch()?;
    let engine = file::engine()?;
    let modules: Vec<Arc<Module>> = options
        .files
        .iter()
        .map(|path| file::load(&engine, path))
        .collect::<Result<_>>()?;
    let settings = options.attached.settings(&modules)?;
    let steps: Vec<Step> = modules
        .iter()
        .zip(settings)
        .map(|(module, setting)| Step {
            module: Arc::clone(module),
            setting,
            on_error: options.on_error.of_stream(),
        })
        .collect();
    // A validating module has no other place.
    let validates = modules
        .iter()
        .any(|module| module.description().kind == tidemill_smartengine::Kind::Validate);
    let place = match options.place {
        Where::Session if validates => Place::Ingest,
        place => place.of_stream(),
    };
    let begun = Instant::now();
    let mut chain = Chain::start(&steps, place).map_err(|error| Failure::usage(options.told(&error)))?;
    let started = begun.elapsed();
    let outcome = chain
        .run(&batch)
        .map_err(|error| Failure::new(Failure::DAMAGED, options.told(&error)))?;
    let report = Report {
        options,
        batch: &batch,
        outcome: &outcome,
        started,
    };
    report.print()
}

impl Options {
    /// What went wrong, with the file's name in the stead of its digest.
    fn told(&self, error: &tidemill_smartengine::ChainError) -> String {
        let file = self
            .files
            .get(error.step)
            .map_or_else(String::new, |file| file.display().to_string());
        match error.offset_delta {
            Some(record) => format!("{file}: record {record}: {}", error.error),
            None => format!("{file}: {}", error.error),
        }
    }
}

impl Policy {
    fn of_stream(self) -> OnError {
        match self {
            Policy::Fail => OnError::Fail,
            Policy::Skip => OnError::Skip,
            Policy::Pass => OnError::Pass,
            Policy::DeadLetter => OnError::DeadLetter,
        }
    }
}

impl Where {
    fn of_stream(self) -> Place {
        match self {
            Where::Ingest => Place::Ingest,
            Where::View => Place::View,
            Where::Session => Place::Session,
            Where::Pipeline => Place::Pipeline,
        }
    }
}

struct Report<'a> {
    options: &'a Options,
    batch: &'a Batch,
    outcome: &'a Outcome,
    started: Duration,
}

impl Report<'_> {
    fn print(&self) -> Result<()> {
        let records = self.records()?;
        let document = json!({
            "records": records,
            "rejected": self.outcome.rejected.iter().map(|record| json!({
                "offset": record.offset_delta,
                "reason": record.reason,
            })).collect::<Vec<_>>(),
            "deadLetters": self.outcome.dead.iter().map(|record| json!({
                "offset": record.offset_delta,
                "step": record.step + 1,
                "error": record.error,
            })).collect::<Vec<_>>(),
            "steps": self.steps(),
            "startedInMs": self.started.as_secs_f64() * 1e3,
        });
        self.options.output.one(&document, people)?;
        if self.options.output.output == crate::output::Format::Table {
            self.tell_sums(records.len());
        }
        Ok(())
    }

    /// What came out, as `consume` shows it.
    fn records(&self) -> Result<Vec<Value>> {
        let bytes = match &self.outcome.output {
            Came::Same => self.batch.bytes.clone(),
            Came::Batch(bytes) => bytes.clone(),
            Came::Nothing => return Ok(Vec::new()),
        };
        let batch = Batch::parse(&mut bytes.clone()).context("what came out is no batch")?;
        let records: Records = batch.records(usize::MAX)?;
        let mut shown = Vec::new();
        for record in records.iter() {
            let mut line = Vec::new();
            consumed::write(&mut line, "", 0, &record?);
            let mut value: Value = serde_json::from_slice(&line)?;
            if let Some(object) = value.as_object_mut() {
                object.remove("topic");
                object.remove("partition");
            }
            shown.push(value);
        }
        Ok(shown)
    }

    fn steps(&self) -> Vec<Value> {
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
        self.options
            .files
            .iter()
            .zip(&self.outcome.steps)
            .map(step)
            .collect()
    }

    fn tell_sums(&self, out: usize) {
        for (file, step) in self.options.files.iter().zip(&self.outcome.steps) {
            let each = u32::try_from(step.records_in.max(1)).unwrap_or(u32::MAX);
            tell(format_args!(
                "{}: {} in, {} out, {} failed; {} of processor time, {} a record; {} of memory",
                file.display(),
                step.records_in,
                step.records_out,
                step.records_failed,
                output::duration(step.cpu),
                output::duration(step.cpu / each),
                output::bytes(step.memory as u64),
            ));
        }
        tell(format_args!(
            "{} of {} came out; started in {}",
            counted(out as u64, "record"),
            self.batch.header.record_count,
            output::duration(self.started)
        ));
    }
}

fn people(document: &Value) -> String {
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    let mut out = table(
        &list("records"),
        &[
            ("OFFSET", "/offset"),
            ("KEY", "/key"),
            ("VALUE", "/value"),
            ("HEADERS", "/headers"),
        ],
    );
    for record in list("rejected") {
        let _ = write!(
            out,
            "\nrecord {} is refused: {}",
            record["offset"],
            said(&record["reason"])
        );
    }
    for record in list("deadLetters") {
        let _ = write!(
            out,
            "\nrecord {} is put aside: {}",
            record["offset"],
            said(&record["error"])
        );
    }
    out
}

fn said(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
