//! The Go SDK of SmartModules: its tests, and modules built with it, run by the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Outcome;
use super::modules::{self, Came};
use crate::{process, workspace};

/// An example: its folder, what goes in, and what comes out.
type Example = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const EXAMPLES: &[Example] = &[
    ("filter", &["all is well", "an error"], &["an error"], &[]),
    ("map", &["one", "Two"], &["ONE", "TWO"], &[]),
    ("filter_map", &["21", "many", "-4"], &["42", "-8"], &[]),
    ("flat_map", &["to be", "", "or"], &["to", "be", "or"], &[]),
    ("validate", &["50", "many"], &["50"], &["`many` is not a number"]),
    ("aggregate", &["1", "20"], &["1", "21"], &[]),
    ("join", &["a", "b"], &["a b"], &[]),
    ("dedup", &["a", "b", "a"], &["a", "b"], &[]),
];

/// `cargo xtask test --suite sdk-go`.
pub(super) fn run() -> Result<Outcome> {
    let mut outcome = Outcome {
        suite: "sdk-go".to_owned(),
        ..Outcome::default()
    };
    outcome.case("it is formatted", formatted());
    outcome.case(
        "its code passes go vet",
        process::run(go().args(["vet", "./..."])),
    );
    outcome.case("its unit tests pass", process::run(go().args(["test", "./..."])));
    let dir = workspace::target().join("sdk-go");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, records, values, refused) in EXAMPLES {
        let built = build(&dir, name);
        let wasm = built.as_ref().ok().cloned();
        outcome.case(&format!("{name} builds"), built.map(drop));
        if let Some(wasm) = wasm {
            let give = |command: &mut Command| {
                for record in *records {
                    command.args(["--record", record]);
                }
            };
            outcome.case(
                &format!("{name} does what it should"),
                modules::try_out(&wasm, give, &Came::of(values, refused)),
            );
            outcome.case(&format!("{name} honours the contract"), modules::conform(&wasm));
        }
    }
    Ok(outcome)
}

/// The toolchain, in the SDK's directory. It fetches nothing: the SDK stands on the standard library alone.
fn go() -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(workspace::root().join("smartmodule/sdk/go"))
        .env("GOPROXY", "off");
    command
}

fn formatted() -> Result<()> {
    let mut gofmt = Command::new("gofmt");
    gofmt
        .args(["-l", "."])
        .current_dir(workspace::root().join("smartmodule/sdk/go"));
    let files = process::capture(&mut gofmt)?;
    ensure!(
        files.is_empty(),
        "gofmt would change {}",
        files.trim().replace('\n', ", ")
    );
    Ok(())
}

fn build(dir: &Path, name: &str) -> Result<PathBuf> {
    let wasm = dir.join(format!("{name}.wasm"));
    let mut build = go();
    build
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .args([
            "build",
            "-buildmode=c-shared",
            "-trimpath",
            "-ldflags=-s -w",
            "-o",
        ])
        .arg(&wasm)
        .arg(format!("./examples/{name}"));
    process::run(&mut build)?;
    Ok(wasm)
}
