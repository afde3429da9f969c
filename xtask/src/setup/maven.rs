//! Kafka itself: its server, tools and Java clients, pinned in `tests/compat/java/pom.xml`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use super::stamp::Stamp;
use crate::{process, workspace};

/// Fills `target/tools/kafka/jars`, one directory that serves as a class path.
pub(crate) fn ensure() -> Result<()> {
    debian::ensure(&["java", "javac"])?;
    let dir = workspace::tools().join("kafka");
    let pins = workspace::root().join("tests/compat/java/pom.xml");
    let stamp = Stamp::new(&dir, &pins)?;
    if stamp.is_fresh() {
        return Ok(());
    }
    debian::ensure(&["mvn"])?;
    let jars = dir.join("jars");
    eprintln!("fetching Kafka's jars into {}", jars.display());
    if jars.exists() {
        fs::remove_dir_all(&jars).with_context(|| format!("cannot remove {}", jars.display()))?;
    }
    let mut maven = Command::new("mvn");
    maven
        .current_dir(workspace::root())
        .args(["-q", "-B", "-f"])
        .arg(&pins);
    maven
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", jars.display()));
    maven.arg("-DincludeScope=runtime");
    process::run(&mut maven).context("cannot fetch Kafka's jars")?;
    stamp.write()
}
