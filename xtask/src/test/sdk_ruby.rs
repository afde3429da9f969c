//! The Ruby SDK of SmartModules: its tests, its runtime, and modules built with it, run by the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Outcome;
use super::sdk_python::{EXAMPLES, conform};
use crate::{process, setup, workspace};

/// `cargo xtask test --suite sdk-ruby`.
pub(super) fn run() -> Result<Outcome> {
    let mut outcome = Outcome {
        suite: "sdk-ruby".to_owned(),
        ..Outcome::default()
    };
    let unit_tests = "Dir['test/test_*.rb'].each { |file| require File.expand_path(file) }";
    outcome.case(
        "its unit tests pass",
        process::run(ruby().args(["-e", unit_tests])),
    );
    let dir = workspace::target().join("sdk-ruby");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let runtime = dir.join("runtime.wasm");
    let mut make = ruby();
    make.arg("runtime/build.rb").arg(setup::ruby()).arg(&runtime);
    let made = process::run(&mut make);
    let is_made = made.is_ok();
    outcome.case("its runtime can be made", made);
    if !is_made {
        return Ok(outcome);
    }
    for example in EXAMPLES {
        let module = example.module;
        let built = build(&runtime, &dir, module);
        let wasm = built.as_ref().ok().cloned();
        outcome.case(&format!("{module} builds"), built.map(drop));
        if let Some(wasm) = wasm {
            outcome.case(&format!("{module} does what it should"), example.try_out(&wasm));
            outcome.case(&format!("{module} honours the contract"), conform(&wasm));
        }
    }
    Ok(outcome)
}

/// The interpreter, in the SDK's directory.
fn ruby() -> Command {
    let mut command = Command::new("ruby");
    command
        .current_dir(workspace::root().join("smartmodule/sdk/ruby"))
        .args(["-W", "-I", "lib"]);
    command
}

fn build(runtime: &Path, dir: &Path, module: &str) -> Result<PathBuf> {
    // Alone in a directory, since all that lies beside a module comes along.
    let own = dir.join(module);
    fs::create_dir_all(&own).with_context(|| format!("cannot make {}", own.display()))?;
    let main = own.join(format!("{module}.rb"));
    let example = workspace::root().join(format!("smartmodule/sdk/ruby/examples/{module}.rb"));
    fs::copy(&example, &main).with_context(|| format!("cannot copy {}", example.display()))?;
    let wasm = dir.join(format!("{module}.wasm"));
    let program = "require 'tidemill/smartmodule/build'
        main, name, output = ARGV
        Tidemill::SmartModule::Build.new(main: main, name: name, version: '0.1.0').write(output)";
    let mut build = ruby();
    build.env("TIDEMILL_RUBY_RUNTIME", runtime);
    build.args(["-e", program]).arg(&main).arg(module).arg(&wasm);
    process::run(&mut build)?;
    Ok(wasm)
}
