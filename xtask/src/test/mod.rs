//! `cargo xtask test`: the Rust tests, then the foreign clients against the real binary.

mod cargo_output;
mod compat;

use anyhow::{Result, bail};
use clap::Args;

use crate::setup::{self, Part};
use crate::{process, workspace};
use cargo_output::CargoOutput;

/// What to test.
#[derive(Args)]
pub(crate) struct Options {
    /// Only the Rust tests: no foreign client is installed or run
    #[arg(long)]
    quick: bool,
    /// Only the compat suites with one of these names; see `tests/compat`
    #[arg(long, value_name = "NAME", conflicts_with = "quick")]
    suite: Vec<String>,
}

/// What one suite came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) suite: String,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// What to repeat at the end: one entry a failure.
    pub(crate) failures: Vec<String>,
}

/// `cargo xtask test`.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.quick {
        setup::ensure(&[Part::Debian, Part::Python, Part::Node, Part::Kafka])?;
    }
    process::run(workspace::cargo().args(["build", "--package", "tidemill-cli"]))?;
    let mut outcomes = Vec::new();
    if options.suite.is_empty() {
        outcomes.extend(rust_tests()?);
    }
    if !options.quick {
        outcomes.extend(compat::run(&options.suite)?);
    }
    report(&outcomes)
}

fn rust_tests() -> Result<Vec<Outcome>> {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    cargo.env("TIDEMILL_BIN", workspace::binary("debug"));
    let mut output = CargoOutput::default();
    let status = process::stream(&mut cargo, |line| {
        println!("{line}");
        output.line(line);
    })?;
    Ok(output.finish(status.success()))
}

/// Prints a line a suite, the failures once more, and the closing line with the sums.
fn report(outcomes: &[Outcome]) -> Result<()> {
    println!("\nsuites:");
    for outcome in outcomes
        .iter()
        .filter(|outcome| outcome.passed + outcome.failed > 0)
    {
        println!(
            "  {:<58} {:>5} passed, {} failed",
            outcome.suite, outcome.passed, outcome.failed
        );
    }
    let passed: u64 = outcomes.iter().map(|outcome| outcome.passed).sum();
    let failed: u64 = outcomes.iter().map(|outcome| outcome.failed).sum();
    if failed > 0 {
        println!("\nfailures:");
        for outcome in outcomes {
            for failure in &outcome.failures {
                println!("  {}: {failure}", outcome.suite);
            }
        }
    }
    println!("\n{passed} passed, {failed} failed");
    if failed > 0 {
        bail!(
            "{failed} of {} tests failed; each is named above",
            passed + failed
        );
    }
    if passed == 0 {
        bail!("no test ran: no suite has that name");
    }
    Ok(())
}
