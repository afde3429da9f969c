//! Dependency edges against the allow-list in `xtask/edges.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Finding;
use crate::{process, workspace};

/// `xtask/edges.toml`.
#[derive(Deserialize)]
struct Allowed {
    house: BTreeMap<String, Vec<String>>,
    outside: Outside,
    only: BTreeMap<String, Vec<String>>,
    never: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Outside {
    crates: Vec<String>,
}

/// What we read of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Every edge of every member.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let file = workspace::root().join("xtask/edges.toml");
    let text = fs::read_to_string(&file).context("cannot read xtask/edges.toml")?;
    let allowed: Allowed = toml::from_str(&text).context("xtask/edges.toml is not what it should be")?;
    let mut cargo = workspace::cargo();
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Metadata =
        serde_json::from_str(&process::capture(&mut cargo)?).context("cargo metadata is not readable")?;
    let mut findings = Vec::new();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            if let Some((problem, mend)) = verdict(&allowed, &package.name, dependency) {
                findings.push(Finding::new(place(package, &dependency.name), problem, mend));
            }
        }
    }
    Ok(findings)
}

/// What is wrong with an edge, and the mend; nothing when it is allowed.
fn verdict(allowed: &Allowed, from: &str, dependency: &Dependency) -> Option<(String, String)> {
    let to = dependency.name.as_str();
    let outside = |name: &str| allowed.outside.crates.iter().any(|krate| krate == name);
    if dependency.path.is_some() && outside(to) {
        return Some((
            format!("{from} depends on {to}: nothing may depend on tests or benchmarks"),
            "move what is shared into a product crate".to_owned(),
        ));
    }
    if outside(from) && !allowed.only.contains_key(to) || dependency.kind.as_deref() == Some("dev") {
        return None;
    }
    let denied = match (allowed.house.get(from), dependency.path.is_some()) {
        (None, _) if !outside(from) => return Some(unknown(from)),
        (Some(edges), true) => !edges.iter().any(|edge| edge == to),
        _ => {
            allowed
                .only
                .get(to)
                .is_some_and(|crates| !crates.iter().any(|krate| krate == from))
                || allowed
                    .never
                    .get(from)
                    .is_some_and(|crates| crates.iter().any(|krate| krate == to))
        }
    };
    denied.then(|| {
        (
            format!("{from} may not depend on {to}"),
            "reach it through a crate that may, or change xtask/edges.toml and say why in docs/adr"
                .to_owned(),
        )
    })
}

fn unknown(from: &str) -> (String, String) {
    (
        format!("{from} is not in the allow-list"),
        "add a line with its edges to xtask/edges.toml and say why in docs/adr".to_owned(),
    )
}

/// `file:line` of a dependency in its manifest.
fn place(package: &Package, dependency: &str) -> String {
    let manifest = Path::new(&package.manifest_path);
    let shown = manifest
        .strip_prefix(workspace::root())
        .unwrap_or(manifest)
        .display()
        .to_string();
    let text = fs::read_to_string(manifest).unwrap_or_default();
    match text.lines().position(|line| line.starts_with(dependency)) {
        Some(index) => format!("{shown}:{}", index + 1),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Dependency, verdict};

    fn allowed() -> Allowed {
        toml::from_str(
            "[house]\nwire = []\nclient = [\"wire\"]\n[outside]\ncrates = [\"bench\"]\n\
             [only]\nkafka-protocol = [\"wire\"]\n[never]\nwire = [\"tokio\"]\n",
        )
        .unwrap()
    }

    fn refused(from: &str, to: &str, kind: Option<&str>, local: bool) -> bool {
        let dependency = Dependency {
            name: to.to_owned(),
            kind: kind.map(str::to_owned),
            path: local.then(|| to.to_owned()),
        };
        verdict(&allowed(), from, &dependency).is_some()
    }

    #[test]
    fn only_listed_edges_pass() {
        assert!(!refused("client", "wire", None, true));
        assert!(refused("wire", "client", None, true));
        assert!(refused("stranger", "wire", None, true));
    }

    #[test]
    fn tests_may_reach_anything_but_tests() {
        assert!(!refused("wire", "client", Some("dev"), true));
        assert!(refused("wire", "bench", Some("dev"), true));
        assert!(!refused("bench", "client", None, true));
    }

    #[test]
    fn kept_libraries_stay_behind_their_crate() {
        assert!(!refused("wire", "kafka-protocol", None, false));
        assert!(refused("client", "kafka-protocol", None, false));
        assert!(refused("bench", "kafka-protocol", None, false));
        assert!(refused("wire", "tokio", None, false));
    }
}
