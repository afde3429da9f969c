//! Programs from Debian packages.

use std::process::Command;
use std::sync::Once;

use anyhow::{Context, Result, bail};

use crate::process;

/// Programs the set-up may ask for, and the Debian package that holds each.
const PACKAGES: &[(&str, &str)] = &[
    ("cc", "build-essential"),
    ("c++", "build-essential"),
    ("git", "git"),
    ("make", "make"),
    ("go", "golang-go"),
    ("curl", "curl"),
    ("jq", "jq"),
    ("kcat", "kcat"),
    ("python3", "python3"),
    ("ruby", "ruby"),
    ("rake", "rake"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("java", "default-jdk-headless"),
    ("javac", "default-jdk-headless"),
    ("mvn", "maven"),
];

/// Makes sure that each program is on the `PATH`, installing its package where that is allowed.
pub(crate) fn ensure(programs: &[&str]) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| process::which(program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|program| package_of(program)).collect();
    packages.dedup();
    install(&packages).with_context(|| {
        format!(
            "missing: {}. Install with: sudo apt-get install {}",
            missing.join(", "),
            packages.join(" ")
        )
    })
}

/// Installs Debian packages by name.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if process::which("apt-get").is_none() {
        bail!("this is not a Debian system: there is no apt-get");
    }
    if !is_root()? {
        bail!("installing takes root");
    }
    eprintln!("installing Debian packages: {}", packages.join(" "));
    update_index();
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages);
    process::run(&mut apt)
}

fn package_of(program: &str) -> &str {
    PACKAGES
        .iter()
        .find(|(name, _)| *name == program)
        .map_or(program, |(_, package)| *package)
}

/// Refreshes the package index once a run. A failure is not fatal: the index at hand may do.
fn update_index() {
    static UPDATED: Once = Once::new();
    UPDATED.call_once(|| {
        if let Err(error) = process::run(Command::new("apt-get").args(["update", "-qq"])) {
            eprintln!("warning: {error:#}; going on with the package index at hand");
        }
    });
}

fn is_root() -> Result<bool> {
    let id = process::capture(Command::new("id").arg("-u")).context("cannot tell who runs this")?;
    Ok(id.trim() == "0")
}
