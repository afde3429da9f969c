//! `tidemill smartmodule conform`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidemill_smartengine::{Verdict, examine};

use super::file::{self, Attached};
use crate::error::Failure;
use crate::output::{Format, Output, emit};

const EXPLAINED: &str = "\
Every check starts the module anew. The exit code is 0 when nothing failed, else 7; advice is no failure. A module whose
parameters must be given needs them here too.";

/// Which module to examine.
#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(crate) struct Options {
    /// The WebAssembly file
    file: PathBuf,
    #[command(flatten)]
    attached: Attached,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let engine = file::engine()?;
    let module = file::load(&engine, &options.file)?;
    let settings = options.attached.settings(std::slice::from_ref(&module))?;
    let mut failed = false;
    let mut rows = Vec::new();
    for setting in &settings {
        for check in examine(&module, setting) {
            let (status, detail) = match &check.verdict {
                Verdict::Passed => ("passed", ""),
                Verdict::Failed(why) => ("FAILED", why.as_str()),
                Verdict::Advised(why) => ("advice", why.as_str()),
                Verdict::Skipped(why) => ("skipped", why.as_str()),
            };
            failed |= matches!(check.verdict, Verdict::Failed(_));
            rows.push(json!({ "check": check.what, "status": status.to_lowercase(), "detail": detail }));
            if options.output.output == Format::Table {
                let detail = if detail.is_empty() {
                    String::new()
                } else {
                    format!(": {detail}")
                };
                emit(&format!("{status:<8} {}{detail}", check.what))?;
            }
        }
    }
    if options.output.output != Format::Table {
        options
            .output
            .value(&json!({ "ok": !failed, "checks": Value::Array(rows) }))?;
    }
    if failed {
        return Err(Failure::new(Failure::DAMAGED, "the module does not honour the contract").into());
    }
    Ok(())
}
