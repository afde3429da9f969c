//! Results: what each case came to, set against the failures that are known.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::known::KnownFailure;

/// What one case came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CaseResult {
    pub(crate) suite: String,
    pub(crate) case: String,
    /// Whether it came out as expected: a known failure is expected to fail.
    pub(crate) ok: bool,
    pub(crate) detail: String,
    /// Why it is known to fail, where it is.
    pub(crate) known: Option<String>,
}

/// All results so far.
pub(crate) struct Results {
    file: Option<File>,
    known: Vec<KnownFailure>,
    suite: String,
    cases: Vec<CaseResult>,
}

impl Results {
    /// No result yet; each will be appended to `file`.
    pub(crate) fn new(file: Option<&Path>, known: Vec<KnownFailure>) -> Result<Results> {
        let file = match file {
            Some(path) => Some(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(path)
                    .with_context(|| format!("cannot open {}", path.display()))?,
            ),
            None => None,
        };
        Ok(Results {
            file,
            known,
            suite: String::new(),
            cases: Vec::new(),
        })
    }

    /// The cases to come belong to this suite.
    pub(crate) fn begin(&mut self, suite: &str) {
        suite.clone_into(&mut self.suite);
    }

    /// The suite is over: a known failure that did not run is out of date.
    pub(crate) fn end(&mut self) -> Result<()> {
        let ran = |case: &str| {
            self.cases
                .iter()
                .any(|done| done.suite == self.suite && done.case == case)
        };
        let gone: Vec<String> = self
            .known
            .iter()
            .filter(|known| known.suite == self.suite && !ran(&known.case))
            .map(|known| known.case.clone())
            .collect();
        for case in gone {
            let detail = "listed in known-failures.toml, but it did not run".to_owned();
            self.keep(CaseResult {
                suite: self.suite.clone(),
                case,
                ok: false,
                detail,
                known: None,
            })?;
        }
        Ok(())
    }

    /// Takes one case of the current suite.
    pub(crate) fn record(&mut self, case: &str, ok: bool, detail: &str) -> Result<()> {
        let known = self
            .known
            .iter()
            .find(|known| known.suite == self.suite && known.case == case);
        let reason = known.map(|known| known.reason.clone());
        let (ok, detail) = match (&reason, ok) {
            (None, ok) => (ok, detail.to_owned()),
            (Some(_), false) => (true, detail.to_owned()),
            (Some(_), true) => (
                false,
                "listed in known-failures.toml, but it passes: remove it there".to_owned(),
            ),
        };
        let result = CaseResult {
            suite: self.suite.clone(),
            case: case.to_owned(),
            ok,
            detail,
            known: reason,
        };
        self.keep(result)
    }

    fn keep(&mut self, result: CaseResult) -> Result<()> {
        show(&result);
        if let Some(file) = &mut self.file {
            writeln!(file, "{}", serde_json::to_string(&result)?).context("cannot write a result")?;
        }
        self.cases.push(result);
        Ok(())
    }

    pub(crate) fn cases(&self) -> &[CaseResult] {
        &self.cases
    }

    pub(crate) fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.ok).count()
    }

    pub(crate) fn failed(&self) -> usize {
        self.cases.len() - self.passed()
    }
}

fn show(result: &CaseResult) {
    match (result.ok, &result.known) {
        (true, None) => println!("  ok    {}", result.case),
        (true, Some(reason)) => println!("  known {}: {reason}", result.case),
        (false, _) => println!("  FAIL  {}: {}", result.case, result.detail),
    }
}

#[cfg(test)]
mod tests {
    use super::Results;
    use crate::known::KnownFailure;

    fn results() -> Results {
        let known = KnownFailure {
            suite: "kcat".to_owned(),
            case: "transactions".to_owned(),
            reason: "not there yet".to_owned(),
        };
        let mut results = Results::new(None, vec![known]).unwrap();
        results.begin("kcat");
        results
    }

    #[test]
    fn a_known_failure_must_still_fail() {
        let mut failing = results();
        failing.record("transactions", false, "no").unwrap();
        failing.end().unwrap();
        assert_eq!((failing.passed(), failing.failed()), (1, 0));

        let mut passing = results();
        passing.record("transactions", true, "").unwrap();
        assert_eq!((passing.passed(), passing.failed()), (0, 1));
    }

    #[test]
    fn a_known_failure_must_still_run() {
        let mut results = results();
        results.record("other", true, "").unwrap();
        results.end().unwrap();
        assert_eq!((results.passed(), results.failed()), (1, 1));
    }
}
