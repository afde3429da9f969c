//! The differential suite: the same requests to this server and to Kafka, and the answers compared.
//!
//! The rows are data, in `differential/`. A row whose answers differ says why, and the findings list it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::case::Results;
use crate::java;
use crate::kafka::Kafka;
use crate::program::run_suite;
use crate::server::Server;
use crate::suite::{Target, source};

/// Runs every row against a fresh server, or the broker given, and a fresh Kafka.
pub(crate) fn run(target: &Target, results: &mut Results) -> Result<()> {
    let mut command = java::program(target, "Differential")?;
    let server = match &target.binary {
        Some(binary) => Some(Server::start(binary, "")?),
        None => None,
    };
    if let Some(server) = &server {
        command.env("BOOTSTRAP", server.kafka());
    }
    let kafka = Kafka::start(target)?;
    command.arg(source("differential")).env("PEER", kafka.address());
    run_suite(&mut command, results)?;
    for wound in server.into_iter().flat_map(|mut server| server.wounds()) {
        results.record(&wound.case, wound.ok, &wound.detail)?;
    }
    Ok(())
}

/// What the pages need of a row.
#[derive(Debug, Deserialize)]
struct Row {
    case: String,
    differs: Option<String>,
}

/// The rows whose answers differ: scene and case, and the reason.
pub(crate) fn differences() -> Result<Vec<(String, String)>> {
    let mut files: Vec<PathBuf> = fs::read_dir(source("differential"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let rows: Vec<Row> = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} does not hold rows", path.display()))?;
        let scene = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let differing = rows.into_iter().filter_map(|row| Some((row.case, row.differs?)));
        all.extend(differing.map(|(case, reason)| (format!("{scene}: {case}"), reason)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn every_difference_has_a_reason() {
        let all = differences().unwrap();
        assert!(all.iter().any(|(case, _)| case.starts_with("1-topics: ")));
        assert!(all.iter().all(|(_, reason)| !reason.is_empty()));
    }
}
