//! Crates open with their purpose; where documentation is promised, the compiler is told to insist.

use std::fs;

use anyhow::{Context, Result};

use super::Finding;
use crate::workspace;

/// Crates whose every public item is documented: `#![deny(missing_docs)]`, which the `lints` check compiles.
const DENY_MISSING: &[&str] = &[
    "contract/wire",
    "contract/resource",
    "server/env",
    "server/storage",
    "client-core",
];

/// The root file of every member of the workspace.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in workspace::files()? {
        let name = path.to_string_lossy().into_owned();
        let Some((krate, file)) = name.split_once("/src/") else {
            continue;
        };
        // A template is no crate yet: what it opens with is chosen when a project is made of it.
        if file != "lib.rs" && file != "main.rs" || krate.starts_with("smartmodule-templates/") {
            continue;
        }
        let text = fs::read_to_string(workspace::root().join(&path))
            .with_context(|| format!("cannot read {name}"))?;
        if !text.starts_with("//!") {
            findings.push(Finding::new(
                format!("{name}:1"),
                "the crate does not say what it is for",
                "open it with `//!`: its purpose, its invariants, what it must not know",
            ));
        }
        if file == "lib.rs" && DENY_MISSING.contains(&krate) && !text.contains("#![deny(missing_docs)]") {
            findings.push(Finding::new(
                format!("{name}:1"),
                "undocumented public items would pass",
                "add `#![deny(missing_docs)]`",
            ));
        }
    }
    Ok(findings)
}
