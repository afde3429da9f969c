//! `tests/compat/known-failures.toml`: what is not supported yet, and why.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// A case that is expected to fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownFailure {
    pub(crate) suite: String,
    pub(crate) case: String,
    pub(crate) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<KnownFailure>,
}

/// Reads the list.
pub(crate) fn read() -> Result<Vec<KnownFailure>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("known-failures.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: File = toml::from_str(&text).context("known-failures.toml is not what it should be")?;
    Ok(file.known)
}
