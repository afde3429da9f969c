//! `tidemill smartmodule describe`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_smartengine::Carrier;

use super::file;
use crate::output::{self, Output, table};

/// Which module to describe.
#[derive(Args)]
pub(crate) struct Options {
    /// The WebAssembly file
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let engine = file::engine()?;
    let begun = Instant::now();
    let module = file::load(&engine, &options.file)?;
    let compiled = begun.elapsed();
    let description = module.description();
    let document = json!({
        "file": options.file,
        "digest": module.digest().to_text(),
        "size": module.size(),
        "form": match module.carrier() {
            Carrier::Core => "core",
            Carrier::Component => "component",
        },
        "compiledInMs": compiled.as_secs_f64() * 1e3,
        "description": description,
    });
    options.output.one(&document, people)
}

fn people(document: &Value) -> String {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let size = document["size"].as_u64().unwrap_or(0);
    let mut out = String::new();
    let rows = [
        ("kind", text("/description/kind").to_owned()),
        (
            "name",
            format!("{} {}", text("/description/name"), text("/description/version")),
        ),
        ("description", text("/description/description").to_owned()),
        ("language", text("/description/language").to_owned()),
        ("built with", text("/description/sdk").to_owned()),
        ("size", output::bytes(size)),
        ("form", text("/form").to_owned()),
        ("digest", text("/digest").to_owned()),
    ];
    for (name, value) in rows {
        let _ = writeln!(
            out,
            "{name:<12} {}",
            if value.trim().is_empty() {
                "-"
            } else {
                value.trim()
            }
        );
    }
    let params = document.pointer("/description/params").and_then(Value::as_array);
    match params.map_or(&[][..], Vec::as_slice) {
        [] => out.push_str("parameters   none"),
        params => {
            let columns = [
                ("PARAMETER", "/name"),
                ("TYPE", "/type"),
                ("REQUIRED", "/required"),
                ("DEFAULT", "/default"),
                ("MEANING", "/description"),
            ];
            let _ = write!(out, "\n{}", table(params, &columns));
        }
    }
    out
}
