//! `cargo xtask check`: the read-only gate. Every check runs; each finding names a place and the mend.

mod docs;
mod edges;
mod links;
mod paths;
mod seams;
mod sizes;
mod source;
mod tools;

use anyhow::{Result, bail};
use clap::Args;

/// Which checks to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these checks; all of them when none is named
    #[arg(value_parser = CHECKS.iter().map(|(name, _)| *name).collect::<Vec<_>>())]
    names: Vec<String>,
}

/// Something to mend.
pub(crate) struct Finding {
    /// `file:line`, or the file, or empty where the check has printed the places itself.
    pub(crate) place: String,
    pub(crate) problem: String,
    pub(crate) mend: String,
}

impl Finding {
    pub(crate) fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            place: place.into(),
            problem: problem.into(),
            mend: mend.into(),
        }
    }
}

/// A check: its name, and what it finds.
type Check = (&'static str, fn() -> Result<Vec<Finding>>);

/// The checks, the quick ones first.
const CHECKS: &[Check] = &[
    ("format", tools::format),
    ("edges", edges::check),
    ("sizes", sizes::check),
    ("docs", docs::check),
    ("links", links::check),
    ("seams", seams::check),
    ("paths", paths::check),
    ("lints", tools::lints),
    ("generated", tools::generated),
];

/// `cargo xtask check`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if (options.names.is_empty() || options.names.iter().any(|wanted| wanted == name))
            && !passes(name, *check)
        {
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        bail!("{} of the checks failed: {}", failed.len(), failed.join(", "));
    }
    println!("all checks passed");
    Ok(())
}

/// Runs one check and prints what it found.
fn passes(name: &str, check: fn() -> Result<Vec<Finding>>) -> bool {
    println!("check {name}");
    let findings = match check() {
        Ok(findings) => findings,
        Err(error) => vec![Finding::new("", format!("{error:#}"), "see above")],
    };
    for Finding { place, problem, mend } in &findings {
        let place = if place.is_empty() {
            String::new()
        } else {
            format!("{place}: ")
        };
        println!("  {place}{problem}\n    mend: {mend}");
    }
    findings.is_empty()
}
