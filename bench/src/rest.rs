//! Servers at rest: how large, how soon ready, how much memory for clients that do nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::Client as _;
use crate::client::tidemill::Tidemill as OwnClient;
use crate::crowd::{self, Crowd};
use crate::load::Load;
use crate::peer::Subject;
use crate::peer::tidemill::Tidemill;
use crate::process;
use crate::report::{Row, Section};
use crate::run::Plan;

/// After this long a connection that has spoken is at rest: its server has given back what talking took.
const RESTED: Duration = Duration::from_secs(5);
/// Partitions that the log is spread over ...
const LOG_PARTITIONS: u32 = 8;
/// ... and bytes of its records.
const LOG_RECORD: u64 = 10 << 10;

/// Measures servers that are started for it in `dir`, and stopped.
///
/// # Errors
/// A server does not start, does not keep its connections, or loses records; or the system does not allow as many
/// open files as connections.
pub fn section(plan: &Plan, dir: &Path) -> Result<Section> {
    let mut rows = vec![size(plan, dir)?];
    rows.extend(rounds(plan, dir)?);
    if plan.log_gib > 0 {
        rows.push(start_on_log(plan, &dir.join("log"))?);
    }
    Ok(Section {
        title: "At rest".to_owned(),
        rows,
    })
}

fn servers(plan: &Plan) -> usize {
    1 + usize::from(plan.with_kafka)
}

/// The binary without its symbols. Kafka is no one file: a Java runtime and a hundred jars.
fn size(plan: &Plan, dir: &Path) -> Result<Row> {
    let stripped = dir.join("stripped");
    let status = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(&plan.server)
        .status()
        .context("cannot run strip: install binutils")?;
    ensure!(status.success(), "strip cannot read {}", plan.server.display());
    let bytes = fs::metadata(&stripped)?.len();
    let mut row = Row::new("the program, stripped, MiB".to_owned(), false, servers(plan));
    row.values[0].push(bytes as f64 / f64::from(1 << 20));
    Ok(row)
}

/// Fresh servers in every round.
fn rounds(plan: &Plan, dir: &Path) -> Result<Vec<Row>> {
    let row = |measure: String| Row::new(measure, false, servers(plan));
    let count = plan.connections;
    let mut started = row("start to ready on an empty directory, ms".to_owned());
    let mut idle = row("memory when idle, MiB".to_owned());
    let mut silent = row(format!("memory with {count} silent connections, MiB"));
    let mut spoken = row(format!(
        "memory with {count} connections that have each spoken once, MiB"
    ));
    if count > 0 {
        crowd::allow_files(count)?;
    }
    for round in 0..plan.rounds {
        for at in 0..servers(plan) {
            let place = dir.join(format!("rest-{at}-{round}"));
            let subject = match at {
                0 => Subject::tidemill(&plan.server, &place)?,
                _ => Subject::kafka(&plan.installed.join("kafka/jars"), place.clone())?,
            };
            started.values[at].push(subject.started_in().as_secs_f64() * 1e3);
            idle.values[at].push(process::resident_mib(subject.pid())?);
            if count > 0 {
                let mut crowd = Crowd::gather(&subject, count)?;
                silent.values[at].push(process::resident_mib(subject.pid())?);
                crowd.speak()?;
                thread::sleep(RESTED);
                spoken.values[at].push(process::resident_mib(subject.pid())?);
                // All are still served: the figure is of as many as it says.
                crowd.speak()?;
            }
            drop(subject);
            fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()))?;
        }
    }
    let mut rows = vec![started, idle];
    if count > 0 {
        rows.extend([silent, spoken]);
    }
    Ok(rows)
}

/// Fills a log, stops the server cleanly, and starts it again and again.
///
/// Kafka is left out: on an empty directory it already takes longer than what is asked of Tidemill here.
fn start_on_log(plan: &Plan, dir: &Path) -> Result<Row> {
    let bytes = plan.log_gib << 30;
    let own = OwnClient::new(plan.server.clone());
    let server = Tidemill::start(&plan.server, dir)?;
    let load = Load {
        bootstrap: server.address().to_owned(),
        topic: "log".to_owned(),
        partitions: LOG_PARTITIONS,
        records: bytes.div_ceil(LOG_RECORD),
        record_size: LOG_RECORD,
    };
    own.create(&load, &["tidemill.flush=os"])?;
    own.produce(&load)?;
    server.stop()?;
    let measure = format!("start to ready on {} GiB of clean log, ms", plan.log_gib);
    let mut row = Row::new(measure, false, servers(plan));
    for _ in 0..plan.rounds {
        let held = size_of_tree(dir)?;
        ensure!(held >= bytes, "the log holds {held} bytes only, not {bytes}");
        let server = Tidemill::start(&plan.server, dir)?;
        row.values[0].push(server.started_in().as_secs_f64() * 1e3);
        server.stop()?;
    }
    fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    Ok(row)
}

/// Bytes of all files below `dir`.
fn size_of_tree(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() {
            size_of_tree(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::size_of_tree;

    #[test]
    fn a_tree_is_as_large_as_its_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("below")).unwrap();
        std::fs::write(dir.path().join("a"), [0; 10]).unwrap();
        std::fs::write(dir.path().join("below/b"), [0; 5]).unwrap();
        assert_eq!(size_of_tree(dir.path()).unwrap(), 15);
    }
}
