//! `tidemill smartmodule build`.

mod cargo;
mod project;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::file;
use crate::error::Failure;
use crate::output::{self, Output, tell};
use project::{Language, Project};

const EXPLAINED: &str = "\
The language is told by the project: Cargo.toml, go.mod, package.json, pyproject.toml, Gemfile, or a Makefile beside
tidemill.h or tidemill.zig. The tool chain of the language has to be there; what is missing is said, and how to get it.

What was built is loaded once, so a file that no server would take is found here. What the tool chain prints goes to
standard error.";

/// Where modules are written to, by all tool chains but Rust's.
const DIST: &str = "dist";

/// Which project to build.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// The folder of the project
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let project = Project::find(&options.dir)?;
    let begun = Instant::now();
    let wasm = match project.language {
        Language::Rust => cargo::build(&project.dir)?,
        _ => {
            project.build()?;
            built(&project)?
        }
    };
    let took = begun.elapsed();
    let engine = file::engine()?;
    let module = file::load(&engine, &wasm)?;
    let description = module.description();
    let document = json!({
        "file": wasm,
        "language": project.language.name(),
        "kind": description.kind.name(),
        "name": description.name,
        "size": module.size(),
        "digest": module.digest().to_text(),
        "builtInMs": took.as_secs_f64() * 1e3,
    });
    options.output.one(&document, |_| {
        let about = [
            ("file", wasm.display().to_string()),
            ("kind", description.kind.name().to_owned()),
            ("size", output::bytes(module.size() as u64)),
            ("digest", module.digest().to_text()),
        ];
        let lines: Vec<String> = about
            .iter()
            .map(|(name, value)| format!("{name:<8} {value}"))
            .collect();
        lines.join("\n")
    })?;
    tell(format_args!("built in {}", output::duration(took)));
    Ok(())
}

/// The one module in `dist/`.
fn built(project: &Project) -> Result<PathBuf> {
    let dist = project.dir.join(DIST);
    let mut found = Vec::new();
    let entries = fs::read_dir(&dist).with_context(|| {
        format!(
            "the build went well, and yet there is no folder {}: the module has to be written there",
            dist.display()
        )
    })?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            found.push(path);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(anyhow::anyhow!(
            "the build went well, and yet there is no .wasm file in {}: the module has to be written there",
            dist.display()
        )),
        several => Err(Failure::usage(format!(
            "there are {} .wasm files in {}, and it is not clear which is the module: remove what is stale",
            several.len(),
            dist.display()
        ))
        .into()),
    }
}

/// The folder's path as the user gave it; an empty one would be no argument for programs.
fn folder(dir: &Path) -> Result<PathBuf> {
    if dir.is_dir() {
        return Ok(dir.to_owned());
    }
    Err(Failure::new(
        Failure::NOT_FOUND,
        format!("there is no folder {}", dir.display()),
    )
    .into())
}
