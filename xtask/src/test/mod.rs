//! `cargo xtask test`: the Rust tests, then the README's tour, the demo and the foreign clients against the real binary.

mod cargo_output;
mod compat;
mod demo;
mod modules;
mod sdk_go;
mod sdk_python;
mod sdk_ruby;
mod templates;
mod tour;

use anyhow::{Result, bail};
use clap::Args;

use crate::guests;
use crate::setup;
use crate::{process, workspace};
pub(crate) use cargo_output::CargoOutput;

const EXPLAINED: &str = "\
Examples:
  cargo xtask test --quick                 # minutes: no foreign client
  cargo xtask test --suite kcat --suite demo
  cargo test -p tidemill-storage           # one crate, as usual";

/// What to test.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// Only the Rust tests: nothing is installed, and no foreign client runs
    #[arg(long)]
    quick: bool,
    /// Only this suite, and no Rust tests; may be given again: readme, smartmodules, demo, sdk-go, sdk-python, sdk-ruby,
    /// templates, templates-full, or a foreign client of `tests/compat`
    #[arg(long, value_name = "NAME", conflicts_with = "quick")]
    suite: Vec<String>,
    /// The long compat run: more records, and the suites that only it has: raw requests compared with Kafka's answers
    #[arg(long, conflicts_with = "quick")]
    compat_full: bool,
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

impl Outcome {
    /// Counts one more case, and says how it went.
    fn case(&mut self, name: &str, result: Result<()>) {
        match result {
            Ok(()) => {
                println!("ok     {}: {name}", self.suite);
                self.passed += 1;
            }
            Err(error) => {
                println!("FAILED {}: {name}: {error:#}", self.suite);
                self.failed += 1;
                self.failures.push(format!("{name}: {error:#}"));
            }
        }
    }
}

/// A suite: its name, and what runs it.
type Suite = (&'static str, fn() -> Result<Outcome>);

/// The suites besides those of `tests/compat`: each against the real binary.
const OWN_SUITES: &[Suite] = &[
    ("readme", tour::run),
    ("control-plane", tour::control_plane),
    ("smartmodules", tour::smartmodules),
    ("demo", demo::run),
    ("sdk-go", sdk_go::run),
    ("sdk-python", sdk_python::run),
    ("sdk-ruby", sdk_ruby::run),
    ("templates", templates::run),
    ("templates-full", templates::run_full),
];

/// Suites that run only when they are named: they take long, and compile interpreters.
const ONLY_NAMED: &[&str] = &["sdk-python", "sdk-ruby", "templates", "templates-full"];

/// What only they need.
const ONLY_FOR_NAMED: &[setup::Part] = &[
    setup::Part::SdkPython,
    setup::Part::SdkRuby,
    setup::Part::Templates,
];

/// `cargo xtask test`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let named = options
        .suite
        .iter()
        .any(|suite| ONLY_NAMED.contains(&suite.as_str()));
    let needed: Vec<setup::Part> = match options.quick {
        true => vec![setup::Part::Wasm],
        false if named => setup::ALL.to_vec(),
        false => setup::ALL
            .iter()
            .copied()
            .filter(|part| !ONLY_FOR_NAMED.contains(part))
            .collect(),
    };
    setup::ensure(&needed)?;
    process::run(workspace::cargo().args(["build", "--package", "tidemill-cli"]))?;
    let mut outcomes = Vec::new();
    let everything = options.suite.is_empty();
    if everything {
        outcomes.extend(rust_tests()?);
    }
    if options.quick {
        return report(&outcomes);
    }
    for (name, suite) in OWN_SUITES {
        let unnamed = everything && !ONLY_NAMED.contains(name);
        if unnamed || options.suite.iter().any(|wanted| wanted == name) {
            outcomes.push(suite().unwrap_or_else(|error| Outcome {
                suite: (*name).to_owned(),
                failed: 1,
                failures: vec![format!("{error:#}")],
                ..Outcome::default()
            }));
        }
    }
    let is_own = |name: &String| OWN_SUITES.iter().any(|(own, _)| own == name);
    let foreign: Vec<String> = options
        .suite
        .iter()
        .filter(|name| !is_own(name))
        .cloned()
        .collect();
    if everything || !foreign.is_empty() {
        outcomes.extend(compat::run(&foreign, options.compat_full)?);
    }
    report(&outcomes)
}

fn rust_tests() -> Result<Vec<Outcome>> {
    let mut house = workspace::cargo();
    house.args(["test", "--workspace", "--no-fail-fast"]);
    house.env("TIDEMILL_BIN", workspace::binary("debug"));
    let mut guests = guests::cargo("test");
    guests.args(["--workspace", "--no-fail-fast"]);
    let mut outcomes = Vec::new();
    for mut cargo in [house, guests] {
        let mut output = CargoOutput::default();
        let status = process::stream(&mut cargo, |line| {
            println!("{line}");
            output.line(line);
        })?;
        outcomes.extend(output.finish(status.success()));
    }
    Ok(outcomes)
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
