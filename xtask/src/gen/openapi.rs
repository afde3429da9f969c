//! `docs/openapi.json`: the REST API, made from the Rust types that serve it.

use anyhow::{Context, Result};

use crate::{process, workspace};

/// Asks the controller for its document.
pub(crate) fn generate() -> Result<String> {
    let mut cargo = workspace::cargo();
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "tidemill-controller",
        "--example",
        "openapi",
    ]);
    let document = process::capture(&mut cargo).context("cannot generate the OpenAPI document")?;
    Ok(format!("{}\n", document.trim_end()))
}
