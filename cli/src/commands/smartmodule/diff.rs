//! `tidemill smartmodule diff`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tidemill_smartengine::{Kind, OnError, Place, Step};

use super::file::{self, Attached};
use super::samples::{Part, Samples};
use super::trial::{self, Results, Trial};
use crate::error::Failure;
use crate::output::{self, Output, table, tell};

const EXPLAINED: &str = "\
Both versions see the same records, in sandboxes of their own; nothing is written. A record that a version fails is put aside
and counts as failed by it.

Examples:
  tidemill smartmodule diff old.wasm new.wasm --topic orders --last 10000
  tidemill smartmodule diff old.wasm new.wasm --records samples.jsonl --json-lines --exit-code";

/// Which versions to compare, and on what.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// The WebAssembly file that is in use
    old: PathBuf,
    /// The one that is to take its place
    new: PathBuf,
    #[command(flatten)]
    attached: Attached,
    #[command(flatten)]
    samples: Samples,
    /// Most differences to show; all are counted
    #[arg(long, value_name = "N", default_value_t = 10)]
    show: usize,
    /// End with code 10 when the versions differ
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    output: Output,
}

/// What a version makes of a record: where it lies, and what came of it.
type ByRecord = BTreeMap<(i64, i64), Vec<Value>>;

pub(crate) fn run(options: &Options) -> Result<()> {
    let parts = options.samples.parts()?;
    let old = options.version(&options.old, &parts)?;
    let new = options.version(&options.new, &parts)?;
    let comparison = Comparison::of(&parts, &old, &new);
    let document = json!({
        "records": parts.iter().map(|part| part.batch.header.record_count).sum::<i32>(),
        "same": comparison.same,
        "different": comparison.different.len(),
        "changed": comparison.counted("changed"),
        "added": comparison.counted("added"),
        "removed": comparison.counted("removed"),
        "failsNow": comparison.counted("fails now"),
        "failsNoMore": comparison.counted("fails no more"),
        "differences": comparison.different.iter().take(options.show).collect::<Vec<_>>(),
        "old": old.cost(&options.old),
        "new": new.cost(&options.new),
    });
    options.output.one(&document, people)?;
    if options.output.output == output::Format::Table {
        for (name, version) in [("old", &old), ("new", &new)] {
            let sum = version.trial.sums.first().cloned().unwrap_or_default();
            tell(format_args!(
                "{name}: {} out, {} failed; {} a record, {} of memory",
                sum.records_out,
                sum.records_failed,
                output::duration(trial::each(&sum)),
                output::bytes(sum.memory as u64)
            ));
        }
    }
    if options.exit_code && !comparison.different.is_empty() {
        bail!(Failure::silent(Failure::CHANGES));
    }
    Ok(())
}

/// What a version did.
struct Version {
    trial: Trial,
    came: ByRecord,
}

impl Version {
    fn cost(&self, file: &Path) -> Value {
        let steps = self.trial.steps(&[file.to_owned()]);
        steps.into_iter().next().unwrap_or_default()
    }
}

impl Options {
    fn version(&self, path: &Path, parts: &[Part]) -> Result<Version> {
        let engine = file::engine()?;
        let module = file::load(&engine, path)?;
        let kind = module.description().kind;
        let settings = self.attached.settings(std::slice::from_ref(&module))?;
        let steps = settings
            .into_iter()
            .map(|setting| Step {
                module: module.clone(),
                setting,
                on_error: OnError::DeadLetter,
            })
            .collect();
        // Where the kind may run.
        let place = match kind {
            Kind::Join => Place::Pipeline,
            Kind::Validate => Place::Ingest,
            _ => Place::Session,
        };
        let told = |error: tidemill_smartengine::ChainError| format!("{}: {}", path.display(), error.error);
        let mut trial = Trial::start(steps, place).map_err(|error| Failure::usage(told(error)))?;
        let mut results = Results::default();
        for part in parts {
            let outcome = trial
                .run(part)
                .map_err(|error| Failure::new(Failure::DAMAGED, told(error)))?;
            results.append(trial::results(part, &outcome)?);
        }
        Ok(Version {
            trial,
            came: by_record(results),
        })
    }
}

fn by_record(results: Results) -> ByRecord {
    let mut came = ByRecord::new();
    let all = results
        .records
        .into_iter()
        .chain(results.rejected)
        .chain(results.dead);
    for value in all {
        let number = |name: &str| value[name].as_i64().unwrap_or(-1);
        let place = (number("partition"), number("offset"));
        came.entry(place).or_default().push(value);
    }
    came
}

/// What differs.
struct Comparison {
    same: u64,
    different: Vec<Value>,
}

impl Comparison {
    fn of(parts: &[Part], old: &Version, new: &Version) -> Comparison {
        let mut comparison = Comparison {
            same: 0,
            different: Vec::new(),
        };
        let records: i32 = parts.iter().map(|part| part.batch.header.record_count).sum();
        let mut places: Vec<&(i64, i64)> = old.came.keys().chain(new.came.keys()).collect();
        places.sort_unstable();
        places.dedup();
        for place in &places {
            let [before, after] =
                [&old.came, &new.came].map(|came| came.get(*place).map_or(&[][..], Vec::as_slice));
            if before != after {
                comparison.different.push(json!({
                    "partition": place.0,
                    "offset": place.1,
                    "what": what(before, after),
                    "old": before,
                    "new": after,
                }));
            }
        }
        let different = comparison.different.len() as u64;
        comparison.same = u64::from(records.unsigned_abs()).saturating_sub(different);
        comparison
    }

    fn counted(&self, what: &str) -> usize {
        self.different.iter().filter(|each| each["what"] == what).count()
    }
}

/// What happened to a record, from the old version to the new one.
fn what(before: &[Value], after: &[Value]) -> &'static str {
    match (failed(before), failed(after)) {
        (false, true) => "fails now",
        (true, false) => "fails no more",
        _ if before.is_empty() => "added",
        _ if after.is_empty() => "removed",
        _ => "changed",
    }
}

fn failed(came: &[Value]) -> bool {
    came.iter()
        .any(|value| value.get("reason").is_some() || value.get("error").is_some())
}

fn people(document: &Value) -> String {
    let rows: Vec<Value> = document["differences"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|each| {
            json!({
                "partition": each["partition"],
                "offset": each["offset"],
                "what": each["what"],
                "old": shown(&each["old"]),
                "new": shown(&each["new"]),
            })
        })
        .collect();
    let sums = format!(
        "{} records: {} the same, {} differ ({} changed, {} added, {} removed, {} fail now, {} fail no more)",
        document["records"],
        document["same"],
        document["different"],
        document["changed"],
        document["added"],
        document["removed"],
        document["failsNow"],
        document["failsNoMore"],
    );
    if rows.is_empty() {
        return sums;
    }
    let columns = [
        ("PARTITION", "/partition"),
        ("OFFSET", "/offset"),
        ("WHAT", "/what"),
        ("OLD", "/old"),
        ("NEW", "/new"),
    ];
    format!("{}\n\n{sums}", table(&rows, &columns))
}

/// What came of a record, in a cell: values, or why it failed.
fn shown(came: &Value) -> String {
    let one = |value: &Value| match value.get("reason").or_else(|| value.get("error")) {
        Some(why) => format!("failed: {}", why.as_str().unwrap_or_default()),
        None => match &value["value"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    };
    let cells: Vec<String> = came.as_array().into_iter().flatten().map(one).collect();
    if cells.is_empty() {
        "-".to_owned()
    } else {
        cells.join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_told_from_what_came() {
        let record = [json!({"offset": 1, "value": "a"})];
        let other = [json!({"offset": 1, "value": "b"})];
        let dead = [json!({"offset": 1, "error": "no"})];
        assert_eq!(what(&record, &other), "changed");
        assert_eq!(what(&[], &record), "added");
        assert_eq!(what(&record, &[]), "removed");
        assert_eq!(what(&record, &dead), "fails now");
        assert_eq!(what(&dead, &[]), "fails no more");
    }
}
