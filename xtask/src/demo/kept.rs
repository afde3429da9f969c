//! The directories of demos: one a run, removed at its end unless the run was told to keep its server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::server::Ready;
use super::{http, interrupt};
use crate::{process, workspace};

/// How long a kept server may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The directory of one run, removed when dropped.
pub(crate) struct RunDir {
    path: PathBuf,
    keep: bool,
}

impl RunDir {
    /// A fresh directory. What is left of demos that failed goes.
    pub(crate) fn new() -> Result<RunDir> {
        for dir in dirs()? {
            if Ready::read(&dir).is_none_or(|ready| !is_its_server(&ready)) {
                sweep(&dir)?;
            }
        }
        let path = all().join(std::process::id().to_string());
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(RunDir { path, keep: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it where it is.
    pub(crate) fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            eprintln!("warning: cannot remove {}: {error}", self.path.display());
        }
    }
}

fn all() -> PathBuf {
    workspace::target().join("demo")
}

/// Stops every server that a demo has kept, and removes its data.
pub(crate) fn stop_all() -> Result<()> {
    let mut stopped = 0;
    for dir in dirs()? {
        if let Some(ready) = Ready::read(&dir)
            && is_its_server(&ready)
        {
            stop(&ready)?;
            stopped += 1;
            println!("stopped the server at {} (pid {})", ready.kafka, ready.pid);
        }
        sweep(&dir)?;
    }
    if stopped == 0 {
        println!("no demo is running");
    }
    Ok(())
}

/// The directories there are.
fn dirs() -> Result<Vec<PathBuf>> {
    if !all().exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(all()).context("cannot read the directory of demos")?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Removes a directory, unless the run that it is named for goes on.
fn sweep(dir: &Path) -> Result<()> {
    let pid = dir.file_name().and_then(|name| name.to_str()?.parse().ok());
    if !pid.is_some_and(process::alive) {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

/// A process id may have passed on to another program; an address, too; hardly both.
fn is_its_server(ready: &Ready) -> bool {
    process::alive(ready.pid) && http::get(&ready.http, "/healthz").is_ok()
}

fn stop(ready: &Ready) -> Result<()> {
    process::terminate(ready.pid);
    let ended = interrupt::wait(STOP_LIMIT, || Ok((!process::alive(ready.pid)).then_some(())))?;
    if ended.is_none() {
        bail!("the server with process id {} does not stop", ready.pid);
    }
    Ok(())
}
