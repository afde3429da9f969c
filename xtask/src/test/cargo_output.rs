//! Reads what `cargo test` prints: a suite for each test binary, its counts, its failures.

use super::Outcome;

/// The state of reading one run of `cargo test`.
#[derive(Default)]
pub(crate) struct CargoOutput {
    current: Outcome,
    done: Vec<Outcome>,
    compile_errors: Vec<String>,
}

impl CargoOutput {
    /// Takes the next line.
    pub(crate) fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(name) = suite_name(text) {
            self.close_unfinished();
            self.current.suite = name;
        } else if let Some(result) = text.strip_prefix("test result: ") {
            self.current.passed += count(result, "passed");
            self.current.failed += count(result, "failed");
            self.done.push(std::mem::take(&mut self.current));
        } else if let Some(name) = failed_test(text) {
            self.current.failures.push(name.to_owned());
        } else if text.starts_with("error[") || text.starts_with("error: could not compile") {
            self.compile_errors.push(text.to_owned());
        }
    }

    /// All suites. A run that failed without a failed test did not build, or a test binary died.
    pub(crate) fn finish(mut self, success: bool) -> Vec<Outcome> {
        self.close_unfinished();
        let any_failed = self.done.iter().any(|outcome| outcome.failed > 0);
        if !success && !any_failed {
            let failures = if self.compile_errors.is_empty() {
                vec!["cargo test failed before its tests ended; see its output above".to_owned()]
            } else {
                self.compile_errors
            };
            self.done.push(Outcome {
                suite: "cargo test".to_owned(),
                passed: 0,
                failed: 1,
                failures,
            });
        }
        self.done
    }

    /// A suite that began and gave no result has died.
    fn close_unfinished(&mut self) {
        let mut outcome = std::mem::take(&mut self.current);
        if !outcome.suite.is_empty() {
            outcome.failed += 1;
            outcome
                .failures
                .push("the test binary died before its result".to_owned());
            self.done.push(outcome);
        }
    }
}

/// The suite that a line of cargo announces: `Running unittests src/lib.rs (.../deps/tidemill_wire-0a1b)`.
fn suite_name(line: &str) -> Option<String> {
    if let Some(krate) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{krate} (documentation)"));
    }
    let (source, binary) = line.strip_prefix("Running ")?.split_once(" (")?;
    let file = binary.trim_end_matches(')').rsplit('/').next()?;
    let krate = file.rsplit_once('-').map_or(file, |(name, _)| name);
    Some(format!("{krate} ({})", source.trim_start_matches("unittests ")))
}

/// The number in front of a word: `count("ok. 3 passed; 1 failed", "failed")` is 1.
fn count(result: &str, word: &str) -> u64 {
    let words = result.split([' ', ';', '.']).filter(|part| !part.is_empty());
    let mut previous = "";
    for part in words {
        if part == word {
            return previous.parse().unwrap_or(0);
        }
        previous = part;
    }
    0
}

fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, success: bool) -> Vec<Outcome> {
        let mut output = CargoOutput::default();
        text.lines().for_each(|line| output.line(line));
        output.finish(success)
    }

    #[test]
    fn sums_each_binary_and_names_failures() {
        let outcomes = read(
            "     Running unittests src/lib.rs (target/debug/deps/tidemill_wire-0a1b2c)\n\
             test frame::short ... ok\n\
             test frame::long ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
             \x20  Doc-tests tidemill_wire\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
            false,
        );
        assert_eq!(outcomes.len(), 2);
        assert_eq!(outcomes[0].suite, "tidemill_wire (src/lib.rs)");
        assert_eq!((outcomes[0].passed, outcomes[0].failed), (1, 1));
        assert_eq!(outcomes[0].failures, ["frame::long"]);
        assert_eq!(outcomes[1].suite, "tidemill_wire (documentation)");
        assert_eq!((outcomes[1].passed, outcomes[1].failed), (2, 0));
    }

    #[test]
    fn a_binary_that_dies_is_a_failure() {
        let outcomes = read(
            "     Running tests/kill.rs (target/debug/deps/kill-00)\ntest a ... ok\n",
            false,
        );
        assert_eq!(outcomes[0].failed, 1);
    }

    #[test]
    fn a_build_that_breaks_is_a_failure() {
        let outcomes = read(
            "error: could not compile `x` (lib) due to 1 previous error\n",
            false,
        );
        assert_eq!(outcomes[0].failed, 1);
        assert!(outcomes[0].failures[0].contains("could not compile"));
    }
}
