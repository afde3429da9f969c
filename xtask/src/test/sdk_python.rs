//! The Python SDK of SmartModules: its types, its tests, and components built with it, run by the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Outcome;
use crate::{process, setup, workspace};

/// An example that is built: what goes in, and which values come out.
pub(super) struct Example {
    pub(super) module: &'static str,
    records: &'static [&'static str],
    params: &'static [&'static str],
    values: &'static [&'static str],
    failed: usize,
}

/// One of each way to answer. A module with an interpreter in it is slow to compile, so the unit tests cover the rest. The
/// Ruby SDK has the same.
pub(super) const EXAMPLES: &[Example] = &[
    Example {
        module: "contains",
        records: &["all is well", "an error"],
        params: &["text=well"],
        values: &["all is well"],
        failed: 0,
    },
    Example {
        module: "words",
        records: &["to be", "", "or"],
        params: &[],
        values: &["to", "be", "or"],
        failed: 0,
    },
    Example {
        module: "total",
        records: &["1", "x", "20"],
        params: &[],
        values: &["1", "21"],
        failed: 1,
    },
    Example {
        module: "dedup",
        records: &["a", "b", "a"],
        params: &[],
        values: &["a", "b"],
        failed: 0,
    },
];

/// `cargo xtask test --suite sdk-python`.
pub(super) fn run() -> Result<Outcome> {
    let mut outcome = Outcome {
        suite: "sdk-python".to_owned(),
        ..Outcome::default()
    };
    outcome.case("its types hold", process::run(python().args(["-m", "mypy"])));
    outcome.case(
        "its unit tests pass",
        process::run(python().args(["-m", "pytest", "-q"])),
    );
    let dir = workspace::target().join("sdk-python");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for example in EXAMPLES {
        let module = example.module;
        let built = build(&dir, module);
        let wasm = built.as_ref().ok().cloned();
        outcome.case(&format!("{module} builds"), built.map(drop));
        if let Some(wasm) = wasm {
            outcome.case(&format!("{module} does what it should"), example.try_out(&wasm));
            outcome.case(&format!("{module} honours the contract"), conform(&wasm));
        }
    }
    Ok(outcome)
}

/// The interpreter of the SDK's environment, in the SDK's directory.
fn python() -> Command {
    let mut command = Command::new(setup::python_sdk().join("bin/python"));
    let sdk = workspace::root().join("smartmodule/sdk/python");
    command.env("PYTHONPATH", sdk.join("src")).current_dir(sdk);
    command
}

fn build(dir: &Path, module: &str) -> Result<PathBuf> {
    let wasm = dir.join(format!("{module}.wasm"));
    let mut build = python();
    build
        .args([
            "-m",
            "tidemill_smartmodule",
            "build",
            "examples",
            "--module",
            module,
        ])
        .arg("--output")
        .arg(&wasm);
    process::run(&mut build)?;
    Ok(wasm)
}

fn tidemill(command: &str, wasm: &Path) -> Command {
    let mut tidemill = process::plain(workspace::binary("debug"));
    tidemill.args(["smartmodule", command]).arg(wasm);
    // Compiled once for all commands.
    tidemill.env("TIDEMILL_CACHE", workspace::target().join("cache"));
    tidemill
}

pub(super) fn conform(wasm: &Path) -> Result<()> {
    process::run(&mut tidemill("conform", wasm))
}

impl Example {
    pub(super) fn try_out(&self, wasm: &Path) -> Result<()> {
        let mut command = tidemill("test", wasm);
        command.args(["-o", "json", "--on-error", "skip"]);
        for record in self.records {
            command.args(["--record", record]);
        }
        for param in self.params {
            command.args(["-e", param]);
        }
        let came: Value = serde_json::from_str(&process::capture(&mut command)?)
            .context("`tidemill smartmodule test -o json` printed no JSON")?;
        let records = came["records"].as_array().context("it printed no records")?;
        let values: Vec<&str> = records
            .iter()
            .filter_map(|record| record["value"].as_str())
            .collect();
        ensure!(
            values == self.values,
            "{values:?} came out, not {:?}",
            self.values
        );
        let failed = came["steps"][0]["recordsFailed"].as_u64();
        if failed != u64::try_from(self.failed).ok() {
            bail!("{failed:?} records failed, not {}", self.failed);
        }
        Ok(())
    }
}
