//! What the checks found.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::output::{self, Output};

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    /// It works, but it should be looked at.
    Warning,
    Failed,
    /// It could not be looked at.
    Skipped,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

struct Finding {
    check: &'static str,
    status: Status,
    detail: String,
    mend: Option<String>,
}

impl Finding {
    fn for_people(&self) -> String {
        let mut text = format!("{:<8} {:<14} {}", self.status.name(), self.check, self.detail);
        if let Some(mend) = &self.mend {
            text += &format!("\n{:24}mend: {mend}", "");
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "check": self.check,
            "status": self.status.name(),
            "detail": self.detail,
            "mend": self.mend,
        })
    }
}

/// The findings so far. For people each is printed when it is made: a check may take its time.
pub(super) struct Report {
    live: bool,
    findings: Vec<Finding>,
    /// The exit code that a failure means now.
    code: u8,
    /// That of the first failure.
    failure: Option<u8>,
    printed: Result<()>,
}

impl Report {
    pub(super) fn new(live: bool) -> Self {
        Self {
            live,
            findings: Vec::new(),
            code: 1,
            failure: None,
            printed: Ok(()),
        }
    }

    /// From here on a failure ends the program with this code.
    pub(super) fn failures_mean(&mut self, code: u8) {
        self.code = code;
    }

    pub(super) fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Status::Ok, detail.into(), None);
    }

    pub(super) fn warn(&mut self, check: &'static str, detail: impl Into<String>, mend: impl Into<String>) {
        self.add(check, Status::Warning, detail.into(), Some(mend.into()));
    }

    pub(super) fn fail(&mut self, check: &'static str, detail: impl Into<String>, mend: impl Into<String>) {
        self.failure.get_or_insert(self.code);
        self.add(check, Status::Failed, detail.into(), Some(mend.into()));
    }

    /// A failure whose message names the mend itself, as those of the client do.
    pub(super) fn fail_with(&mut self, check: &'static str, error: impl std::fmt::Display) {
        self.failure.get_or_insert(self.code);
        self.add(check, Status::Failed, error.to_string(), None);
    }

    pub(super) fn skip(&mut self, check: &'static str, why: impl Into<String>) {
        self.add(check, Status::Skipped, why.into(), None);
    }

    fn add(&mut self, check: &'static str, status: Status, detail: String, mend: Option<String>) {
        let finding = Finding {
            check,
            status,
            detail,
            mend,
        };
        if self.live && self.printed.is_ok() {
            self.printed = output::emit(&finding.for_people());
        }
        self.findings.push(finding);
    }

    /// Prints what is not printed yet.
    ///
    /// # Errors
    /// A check failed: the exit code says of what kind.
    pub(super) fn finish(self, output: &Output) -> Result<()> {
        self.printed?;
        let count = |status| {
            self.findings
                .iter()
                .filter(|finding| finding.status == status)
                .count()
        };
        let (failed, warnings) = (count(Status::Failed), count(Status::Warning));
        let findings: Vec<Value> = self.findings.iter().map(Finding::json).collect();
        let all = json!({"ok": failed == 0, "failed": failed, "warnings": warnings, "checks": findings});
        output.one(&all, |_| {
            let [ok, skipped] = [count(Status::Ok), count(Status::Skipped)];
            format!("\n{ok} ok, {warnings} warnings, {failed} failed, {skipped} skipped")
        })?;
        if let Some(code) = self.failure {
            bail!(Failure::silent(code));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;
    use crate::output::Format;

    fn finish(report: Report) -> Result<()> {
        report.finish(&Output { output: Format::Json })
    }

    #[test]
    fn the_first_failure_gives_the_code_and_a_warning_none() {
        let mut report = Report::new(false);
        report.warn("a", "slow", "be patient");
        report.skip("b", "no time");
        assert!(finish(report).is_ok());
        let mut report = Report::new(false);
        report.failures_mean(Failure::NO_CONNECTION);
        report.fail("a", "gone", "start it");
        report.failures_mean(1);
        report.fail_with("b", "gone too");
        assert_eq!(code(&finish(report).unwrap_err()), Failure::NO_CONNECTION);
    }

    #[test]
    fn a_mend_stands_under_its_finding() {
        let mend = Some("start it".to_owned());
        let finding = Finding {
            check: "connect",
            status: Status::Failed,
            detail: "refused".to_owned(),
            mend,
        };
        let text = finding.for_people();
        assert_eq!(
            text,
            "failed   connect        refused\n                        mend: start it"
        );
    }
}
