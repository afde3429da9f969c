//! `cargo xtask fuzz`: the fuzz targets of `tests/fuzz`, for a bounded time.
//!
//! libFuzzer and AddressSanitizer come with the pinned compiler and the crate libfuzzer-sys; the flags that turn
//! coverage counters on are unstable, so the compiler is told to take them all the same. What is found on the
//! way is kept in `tests/fuzz/corpus`, and a next run goes on from there. The ordinary tests run the same bodies over
//! changed seeds (`tests/inputs`), so that nothing depends on this command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{process, setup, workspace};

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
    let chosen = match &options.target {
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!(
            "there is no fuzz target `{name}`. There are: {}",
            known.join(", ")
        ),
        None => known,
    };
    setup::compiler()?;
    let host = host()?;
    build(&host, &chosen)?;
    let found: Vec<String> = chosen
        .iter()
        .map(|target| fuzz(&host, target, options.seconds))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    if !found.is_empty() {
        bail!("{}", found.join("\n\n"));
    }
    println!("no target found anything in {} s each", options.seconds);
    Ok(())
}

fn dir() -> PathBuf {
    workspace::root().join("tests/fuzz")
}

/// The names of the targets: the files of `tests/fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let dir = dir().join("fuzz_targets");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The compiler's own platform. Naming it keeps the flags away from build scripts and macros.
fn host() -> Result<String> {
    let version = process::capture(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say which platform it is for")?
        .to_owned())
}

fn build(host: &str, targets: &[String]) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(dir());
    cargo.args(["build", "--release", "--target", host]);
    for target in targets {
        cargo.args(["--bin", target]);
    }
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", COVERAGE_FLAGS)
        .env("CARGO_TARGET_DIR", workspace::target().join("fuzz"));
    process::run(&mut cargo).context("the fuzz targets do not build")
}

/// Runs one target. Answers what to do about what it found, if it found something.
fn fuzz(host: &str, target: &str, seconds: u64) -> Result<Option<String>> {
    let corpus = dir().join("corpus").join(target);
    let artifacts = dir().join("artifacts").join(target);
    fs::create_dir_all(&artifacts).with_context(|| format!("cannot make {}", artifacts.display()))?;
    let mut seeds = workspace::cargo();
    seeds.args([
        "run",
        "--quiet",
        "--package",
        "tidemill-inputs",
        "--",
        "seeds",
        target,
    ]);
    seeds.arg(&corpus);
    process::run(&mut seeds)?;
    let before = files(&artifacts)?;
    let binary = workspace::target()
        .join("fuzz")
        .join(host)
        .join("release")
        .join(target);
    let mut fuzzer = Command::new(binary);
    fuzzer
        .current_dir(dir())
        .arg(&corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(LIMITS);
    if process::run(&mut fuzzer).is_ok() {
        return Ok(None);
    }
    let new = files(&artifacts)?.into_iter().find(|file| !before.contains(file));
    Ok(Some(match new {
        Some(input) => advice(target, &input),
        None => format!("target {target} ended without an input to blame; its last lines are above"),
    }))
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

fn advice(target: &str, input: &Path) -> String {
    let input = input.display();
    format!(
        "target {target} broke a promise on {input}\n\
         see it again:  cargo run -p tidemill-inputs -- run {target} {input}\n\
         keep it:       copy it to tests/inputs/regressions/{target}/ under a name that says what it is;\n\
         \x20              cargo test -p tidemill-inputs then fails until it is mended, and guards it after"
    )
}

/// No honest input takes near this much time or memory: a claim that buys more is a finding. The largest single
/// piece that is allowed is the window of a zstd frame, 128 MiB.
const LIMITS: &[&str] = &[
    "-timeout=10",
    "-rss_limit_mb=2048",
    "-malloc_limit_mb=192",
    "-print_final_stats=1",
];

const COVERAGE_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address";
