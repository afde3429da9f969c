//! Views, read by every client: to it they are topics, of which records are missing or look otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::case::Results;
use crate::program::{output, run_suite};
use crate::server::Server;
use crate::suite::{Target, node, python, source};
use crate::{java, kcat};

/// Small segments and fetches make no difference to a reader.
const SETTINGS: &str = "";
const LIMIT: Duration = Duration::from_secs(120);

/// Records of the topic `views-source`; each has its own offset in its value, and its own second.
const RECORDS: u64 = 3000;
/// When the first of them was written, in milliseconds.
const FIRST_MS: u64 = 1_700_000_000_000;

/// Runs the program of each client against one server that has views.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    let Some(binary) = &target.binary else {
        eprintln!("  | skipped: a foreign broker has no views");
        return Ok(());
    };
    let mut server = Server::start(binary, SETTINGS)?;
    let mut target = target.clone();
    server.kafka().clone_into(&mut target.bootstrap);
    prepare(binary, &target)?;
    kcat::views(&target, results)?;
    let franz_go = target.tools.join("go/views");
    ensure!(
        franz_go.exists(),
        "{} is not there: run `cargo xtask setup`",
        franz_go.display()
    );
    let mut franz_go = Command::new(franz_go);
    franz_go.env("BOOTSTRAP", &target.bootstrap);
    let programs: [Command; 4] = [
        python(&target, "views_suite.py"),
        node(&target, "views_suite.js"),
        java::program(&target, "ViewsSuite")?,
        franz_go,
    ];
    for mut program in programs {
        run_suite(&mut program, results)?;
    }
    for wound in server.wounds() {
        results.record(&wound.case, wound.ok, &wound.detail)?;
    }
    Ok(())
}

/// Loads two modules, makes the topics and the views over them, and fills one topic.
fn prepare(binary: &Path, target: &Target) -> Result<()> {
    let tidemill = |arguments: &[&str], input: &[u8]| -> Result<()> {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .env("TIDEMILL_BOOTSTRAP", &target.bootstrap);
        output(&mut command, input, LIMIT)
            .map(drop)
            .with_context(|| format!("tidemill {}", arguments.join(" ")))
    };
    let examples = examples()?;
    for (name, file) in [("contains", "filter.wasm"), ("capitals", "map.wasm")] {
        let file = examples.join(file);
        let file = file.to_str().context("the directory's name is not UTF-8")?;
        tidemill(&["smartmodule", "load", name, file], &[])?;
    }
    let documents = source("views.yaml");
    let documents = documents.to_str().context("the directory's name is not UTF-8")?;
    tidemill(&["apply", "-f", documents, "--wait"], &[])?;
    tidemill(
        &["produce", "views-source", "--json-lines", "--linger", "5ms"],
        records().as_bytes(),
    )
}

/// One in five hundred says `keep`; neither the first nor the last does.
fn records() -> String {
    let line = |n: u64| {
        let word = if n % 500 == 250 { "keep" } else { "drop" };
        format!(
            "{{\"key\": \"k{n}\", \"value\": \"{word} {n}\", \"timestamp\": {}}}\n",
            FIRST_MS + n * 1000
        )
    };
    (0..RECORDS).map(line).collect()
}

/// The examples of the Rust SDK, built.
fn examples() -> Result<PathBuf> {
    let target = source("../../target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--release", "--examples"])
        .args(["--target", "wasm32-unknown-unknown", "--manifest-path"])
        .arg(source("../../smartmodule/sdk/rust/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    let built = cargo.status().context("cannot run cargo")?;
    ensure!(
        built.success(),
        "cannot build the examples of the SDK: run `cargo xtask setup`"
    );
    let examples = target.join("wasm32-unknown-unknown/release/examples");
    fs::canonicalize(&examples).with_context(|| format!("{} is not there", examples.display()))
}
