//! The foreign clients: runs the harness of `tests/compat` and reads its results.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Outcome;
use crate::{process, workspace};

/// One line of the harness's results file.
#[derive(Deserialize)]
struct CaseResult {
    suite: String,
    case: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

/// Runs the named suites, or all of them, against the binary built before.
pub(crate) fn run(suites: &[String], full: bool) -> Result<Vec<Outcome>> {
    let results = workspace::target().join("compat-results.jsonl");
    if results.exists() {
        fs::remove_file(&results).context("cannot remove the results of the last run")?;
    }
    let mut harness = workspace::cargo();
    harness.args(["run", "--quiet", "--package", "tidemill-compat", "--"]);
    harness.arg("--server").arg(workspace::binary("debug"));
    harness
        .arg("--tools")
        .arg(workspace::tools())
        .arg("--results")
        .arg(&results);
    if full {
        harness.arg("--full");
    }
    harness.args(suites);
    let status = process::stream(&mut harness, |line| println!("{line}"))?;
    let mut outcomes = read(&fs::read_to_string(&results).unwrap_or_default())?;
    let any_failed = outcomes.iter().any(|outcome| outcome.failed > 0);
    if !status.success() && !any_failed {
        outcomes.push(Outcome {
            suite: "compat".to_owned(),
            failed: 1,
            failures: vec![format!("the harness failed ({status}); see its output above")],
            ..Outcome::default()
        });
    }
    Ok(outcomes)
}

/// Sums the results a suite.
fn read(results: &str) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for line in results.lines() {
        let result: CaseResult = serde_json::from_str(line)
            .with_context(|| format!("the harness wrote a result that is not one: {line}"))?;
        let suite = format!("compat: {}", result.suite);
        if outcomes.last().is_none_or(|outcome| outcome.suite != suite) {
            outcomes.push(Outcome {
                suite,
                ..Outcome::default()
            });
        }
        let Some(outcome) = outcomes.last_mut() else {
            continue;
        };
        if result.ok {
            outcome.passed += 1;
        } else {
            outcome.failed += 1;
            outcome
                .failures
                .push(format!("{}: {}", result.case, result.detail));
        }
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn sums_cases_by_suite() {
        let outcomes = read(
            "{\"suite\":\"kcat\",\"case\":\"a\",\"ok\":true}\n\
             {\"suite\":\"kcat\",\"case\":\"b\",\"ok\":false,\"detail\":\"timed out\"}\n\
             {\"suite\":\"java\",\"case\":\"a\",\"ok\":true}\n",
        )
        .unwrap();
        assert_eq!(outcomes.len(), 2);
        assert_eq!((outcomes[0].passed, outcomes[0].failed), (1, 1));
        assert_eq!(outcomes[0].failures, ["b: timed out"]);
        assert_eq!(outcomes[1].suite, "compat: java");
    }

    #[test]
    fn refuses_a_line_that_is_no_result() {
        assert!(read("Traceback\n").is_err());
    }
}
