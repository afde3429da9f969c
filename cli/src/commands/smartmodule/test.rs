//! `tidemill smartmodule test`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tidemill_smartengine::{ChainError, Kind, Module, OnError, Place, Step};

use super::file::{self, Attached};
use super::samples::Samples;
use super::trial::{self, Results, Trial};
use crate::error::Failure;
use crate::output::{self, Output, counted, table, tell};

const EXPLAINED: &str = "\
Records come out as they would from a server: same engine, same limits. More files make a chain, in their order. Records of
a topic are read and stay as they are; each partition has instances of its own.

Examples:
  tidemill smartmodule test errors.wasm --record 'all is well' --record 'an error'
  tidemill smartmodule test parse.wasm redact.wasm --records samples.txt -o json
  tidemill smartmodule test errors.wasm --topic orders --last 100 -o json

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
    let parts = options.samples.parts()?;
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
    // Some kinds have no other place.
    let has = |kind: Kind| modules.iter().any(|module| module.description().kind == kind);
    let place = match options.place {
        Where::Session if has(Kind::Join) => Place::Pipeline,
        Where::Session if has(Kind::Validate) => Place::Ingest,
        place => place.of_stream(),
    };
    let mut trial = Trial::start(steps, place).map_err(|error| Failure::usage(options.told(&error, 0)))?;
    let mut results = Results::default();
    let mut given = 0;
    for part in &parts {
        let base = part.batch.header.base_offset;
        let outcome = trial
            .run(part)
            .map_err(|error| Failure::new(Failure::DAMAGED, options.told(&error, base)))?;
        results.append(trial::results(part, &outcome)?);
        given += u64::from(part.batch.header.record_count.unsigned_abs());
    }
    let report = Report {
        options,
        trial,
        results,
        given,
    };
    report.print()
}

impl Options {
    /// What went wrong, with the file's name in the stead of its digest.
    fn told(&self, error: &ChainError, base: i64) -> String {
        let file = self
            .files
            .get(error.step)
            .map_or_else(String::new, |file| file.display().to_string());
        match error.offset_delta {
            Some(delta) => format!("{file}: record {}: {}", base + delta, error.error),
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
    trial: Trial,
    results: Results,
    /// How many records went in.
    given: u64,
}

impl Report<'_> {
    fn print(&self) -> Result<()> {
        let document = json!({
            "records": self.results.records,
            "rejected": self.results.rejected,
            "deadLetters": self.results.dead,
            "steps": self.trial.steps(&self.options.files),
            "startedInMs": self.trial.started.as_secs_f64() * 1e3,
        });
        self.options.output.one(&document, people)?;
        if self.options.output.output == crate::output::Format::Table {
            self.tell_sums();
        }
        Ok(())
    }

    fn tell_sums(&self) {
        for (file, step) in self.options.files.iter().zip(&self.trial.sums) {
            tell(format_args!(
                "{}: {} in, {} out, {} failed; {} of processor time, {} a record; {} of memory",
                file.display(),
                step.records_in,
                step.records_out,
                step.records_failed,
                output::duration(step.cpu),
                output::duration(trial::each(step)),
                output::bytes(step.memory as u64),
            ));
        }
        tell(format_args!(
            "{} of {} came out; started in {}",
            counted(self.results.records.len() as u64, "record"),
            self.given,
            output::duration(self.trial.started)
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
