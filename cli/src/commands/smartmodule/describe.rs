//! `tidemill smartmodule describe`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_smartengine::Carrier;

use super::{file, on_server};
use crate::args::Connection;
use crate::output::{self, Output, table};

/// Which module to describe.
#[derive(Args)]
pub(crate) struct Options {
    /// A WebAssembly file, or the name of a module of the server
    #[arg(value_name = "FILE|NAME")]
    module: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) fn run(options: Options) -> Result<()> {
    // What looks like a path is one, also when there is no such file.
    let is_file = options.module.exists()
        || options.module.components().count() > 1
        || options
            .module
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("wasm"));
    if is_file {
        return describe(&options.module, &options.output);
    }
    let name = options.module.display().to_string();
    crate::commands::run(
        async move { on_server::describe(&name, &options.output, &options.connection).await },
    )
}

fn describe(path: &Path, output: &Output) -> Result<()> {
    let engine = file::engine()?;
    let begun = Instant::now();
    let module = file::load(&engine, path)?;
    let compiled = begun.elapsed();
    let description = module.description();
    let document = json!({
        "file": path,
        "digest": module.digest().to_text(),
        "size": module.size(),
        "form": match module.carrier() {
            Carrier::Core => "core",
            Carrier::Component => "component",
        },
        "compiledInMs": compiled.as_secs_f64() * 1e3,
        "description": description,
    });
    output.one(&document, people)
}

fn people(document: &Value) -> String {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let size = output::bytes(document["size"].as_u64().unwrap_or(0));
    let name = format!("{} {}", text("/description/name"), text("/description/version"));
    let mut out = rows(&[
        ("kind", text("/description/kind")),
        ("name", &name),
        ("description", text("/description/description")),
        ("language", text("/description/language")),
        ("built with", text("/description/sdk")),
        ("size", &size),
        ("form", text("/form")),
        ("digest", text("/digest")),
    ]);
    out.push_str(&parameters(document.pointer("/description/params")));
    out
}

/// One line a fact.
pub(super) fn rows(facts: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in facts {
        let value = match value.trim() {
            "" => "-",
            value => value,
        };
        let _ = writeln!(out, "{name:<12} {value}");
    }
    out
}

/// The parameters that a module takes.
pub(super) fn parameters(params: Option<&Value>) -> String {
    match params.and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        [] => "parameters   none".to_owned(),
        params => {
            let columns = [
                ("PARAMETER", "/name"),
                ("TYPE", "/type"),
                ("REQUIRED", "/required"),
                ("DEFAULT", "/default"),
                ("MEANING", "/description"),
            ];
            format!("\n{}", table(params, &columns))
        }
    }
}
