//! The seams for simulation: each crate behind the injected environment bans the real one; every member obeys the
//! workspace's lints.

use std::fs;

use anyhow::{Context, Result};

use super::Finding;
use crate::workspace;

/// Crates that take clock, randomness, disk and network from `tidemill-env`.
const SEAMS: &[&str] = &[
    "server/storage",
    "server/raft",
    "server/partition",
    "server/metadata",
    "server/controller",
];

/// What each of them must ban in its `clippy.toml`.
const BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "tokio::time::sleep",
    "tokio::time::timeout",
    "std::fs::File::open",
    "std::fs::write",
    "std::fs::rename",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "tokio::net::TcpListener",
    "tokio::net::TcpStream",
];

/// Settings of the root `clippy.toml` that a crate's own would otherwise lose.
const SETTINGS: &[&str] = &[
    "too-many-lines-threshold = 80",
    "too-many-arguments-threshold = 5",
];

/// What is built with other flags, or for another target, has lints of its own.
const OTHER_WORKSPACES: [&str; 3] = ["tests/fuzz/", "smartmodule/sdk/", "smartmodule-templates/"];

/// Seam crates, then the manifests of all members.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for krate in SEAMS {
        seam(krate, &mut findings);
    }
    for path in workspace::files()? {
        let name = path.to_string_lossy().into_owned();
        let elsewhere = OTHER_WORKSPACES.iter().any(|root| name.starts_with(root));
        if !name.ends_with("/Cargo.toml") || elsewhere {
            continue;
        }
        let text = fs::read_to_string(workspace::root().join(&path))
            .with_context(|| format!("cannot read {name}"))?;
        if !text.contains("[lints]\nworkspace = true") {
            findings.push(Finding::new(
                name,
                "the crate does not obey the workspace's lints",
                "add `[lints]` with `workspace = true`",
            ));
        }
    }
    Ok(findings)
}

fn seam(krate: &str, findings: &mut Vec<Finding>) {
    let place = format!("{krate}/clippy.toml");
    let text = fs::read_to_string(workspace::root().join(&place)).unwrap_or_default();
    let bans = BANS.iter().filter(|ban| !text.contains(&format!("\"{ban}\"")));
    let settings = SETTINGS.iter().filter(|setting| !text.contains(**setting));
    let missing: Vec<&str> = bans.chain(settings).copied().collect();
    if !missing.is_empty() {
        findings.push(Finding::new(
            place,
            format!("does not hold: {}", missing.join(", ")),
            "copy it from another crate behind the environment, such as server/raft/clippy.toml",
        ));
    }
}
