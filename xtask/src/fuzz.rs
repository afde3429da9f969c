//! `cargo xtask fuzz`: the fuzz targets of `tests/fuzz`, for a bounded time.
//!
//! Fuzzing needs a nightly toolchain for its coverage instrumentation; the ordinary tests run the same target
//! functions over fixed seeds, so that nothing depends on this command.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{process, workspace};

/// What to fuzz, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// One target; every target in turn when none is named
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// `cargo xtask fuzz`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    let toolchains = process::capture(Command::new("rustup").args(["toolchain", "list"]))
        .context("fuzzing needs rustup and a nightly toolchain")?;
    if !toolchains.contains("nightly") {
        bail!("fuzzing needs a nightly toolchain. Install with: rustup toolchain install nightly");
    }
    let chosen = match &options.target {
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!(
            "there is no fuzz target `{name}`. There are: {}",
            known.join(", ")
        ),
        None => known,
    };
    chosen.iter().try_for_each(|target| fuzz(target, options.seconds))
}

/// The names of the targets: the files of `tests/fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let dir = workspace::root().join("tests/fuzz/fuzz_targets");
    if !dir.exists() {
        bail!("there are no fuzz targets in this checkout: tests/fuzz/fuzz_targets is not there");
    }
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn fuzz(target: &str, seconds: u64) -> Result<()> {
    let dir = workspace::root().join("tests/fuzz");
    let corpus = dir.join("corpus").join(target);
    let artifacts = dir.join("artifacts").join(target);
    for path in [&corpus, &artifacts] {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    // What cargo-fuzz does, without having to install it.
    let mut cargo = Command::new("rustup");
    cargo
        .current_dir(&dir)
        .args(["run", "nightly", "cargo", "run", "--release", "--bin", target]);
    cargo
        .args(["--target", "x86_64-unknown-linux-gnu", "--"])
        .arg(&corpus);
    cargo.arg(format!("-max_total_time={seconds}"));
    cargo.arg(format!("-artifact_prefix={}/", artifacts.display()));
    cargo
        .env("RUSTFLAGS", COVERAGE_FLAGS)
        .env("CARGO_TARGET_DIR", workspace::target().join("fuzz"));
    process::run(&mut cargo).with_context(|| {
        format!(
            "target {target} failed; what it failed on is in {}",
            artifacts.display()
        )
    })
}

const COVERAGE_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1 -Zsanitizer=address";
