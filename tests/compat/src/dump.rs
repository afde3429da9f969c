//! Kafka's own segment reader on the segments that the server wrote.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::case::Results;
use crate::java::java;
use crate::program::output;
use crate::suite::Target;

/// Reading all of them takes one start of the JVM.
const LIMIT: Duration = Duration::from_secs(120);
/// So many segments are enough, and keep the command line short.
const SEGMENTS: usize = 200;

/// Dumps every segment: each batch must be valid, and there must be records.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    let Some(data) = &target.data_dir else {
        eprintln!("  | skipped: the data of a foreign broker is not at hand");
        return Ok(());
    };
    let outcome = dump(target, data);
    let detail = outcome
        .as_ref()
        .err()
        .map(|error| format!("{error:#}"))
        .unwrap_or_default();
    results.record("DumpLogSegments reads every segment", outcome.is_ok(), &detail)
}

fn dump(target: &Target, data: &Path) -> Result<()> {
    let mut segments = Vec::new();
    find_segments(data, &mut segments)?;
    segments.sort();
    segments.truncate(SEGMENTS);
    ensure!(
        !segments.is_empty(),
        "no segment with data: run the other suites with this one"
    );
    let mut command = java(target, None);
    command.args([
        "org.apache.kafka.tools.DumpLogSegments",
        "--deep-iteration",
        "--files",
    ]);
    command.arg(segments.join(","));
    let text = String::from_utf8_lossy(&output(&mut command, &[], LIMIT)?).into_owned();
    let batches = text.matches("isvalid: true").count();
    let invalid = text
        .lines()
        .find(|line| line.contains("isvalid: false") || line.contains("invalid bytes"));
    ensure!(
        invalid.is_none(),
        "Kafka finds an invalid batch: {}",
        invalid.unwrap_or_default()
    );
    ensure!(batches > 0, "Kafka reads no batch in {} segments", segments.len());
    Ok(())
}

/// Segments of topics: named by their base offset, and not empty.
fn find_segments(dir: &Path, found: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            find_segments(&path, found)?;
        } else if is_segment(&path) && fs::metadata(&path)?.len() > 0 {
            found.push(path.display().to_string());
        }
    }
    Ok(())
}

fn is_segment(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.strip_suffix(".log")
        .is_some_and(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
}
