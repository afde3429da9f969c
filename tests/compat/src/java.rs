//! The Java suite: compiled by `javac` against Kafka's own jars, into a directory beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::case::Results;
use crate::program::{output, run_suite};
use crate::suite::{Target, source};

const COMPILE_LIMIT: Duration = Duration::from_secs(120);

/// Compiles and runs the suite.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    run_suite(&mut program(target, "CompatSuite")?, results)
}

/// A Java program of this crate, compiled.
pub(crate) fn program(target: &Target, main: &str) -> Result<Command> {
    let classes = compile(target)?;
    let mut command = java(target, Some(&classes));
    command.arg(main).env("BOOTSTRAP", &target.bootstrap);
    Ok(command)
}

/// A `java` command with Kafka's jars on its class path.
pub(crate) fn java(target: &Target, classes: Option<&Path>) -> Command {
    let jars = target.tools.join("kafka/jars/*").display().to_string();
    let path = match classes {
        Some(classes) => format!("{}:{jars}", classes.display()),
        None => jars,
    };
    let mut command = Command::new("java");
    command.args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", &path]);
    command
}

fn compile(target: &Target) -> Result<PathBuf> {
    let classes = target.tools.join("kafka/compat-classes");
    fs::create_dir_all(&classes).with_context(|| format!("cannot make {}", classes.display()))?;
    let mut sources: Vec<PathBuf> = fs::read_dir(source("java"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "java"))
        .collect();
    sources.sort();
    let mut javac = Command::new("javac");
    javac.arg("-nowarn").arg("-d").arg(&classes);
    javac
        .arg("-cp")
        .arg(target.tools.join("kafka/jars/*"))
        .args(sources);
    output(&mut javac, &[], COMPILE_LIMIT).context("cannot compile the Java suite")?;
    Ok(classes)
}
