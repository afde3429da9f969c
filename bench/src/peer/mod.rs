//! The servers that are measured, each started on a directory and ports of its own.

pub mod kafka;
pub mod tidemill;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::load::Durability;
use kafka::{Kafka, Settings};
use tidemill::Tidemill;

/// A server under load.
pub enum Subject {
    /// This project's.
    Tidemill(Tidemill),
    /// Apache Kafka, one node.
    Kafka(Kafka, String),
}

impl Subject {
    /// Starts the binary.
    ///
    /// # Errors
    /// As [`Tidemill::start`].
    pub fn tidemill(binary: &Path, dir: &Path) -> Result<Subject> {
        Tidemill::start(binary, dir).map(Self::Tidemill)
    }

    /// Starts Kafka from its jars.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn kafka(jars: &Path, dir: PathBuf) -> Result<Subject> {
        let version = kafka::version(jars)?;
        let kafka = Kafka::start(&Settings {
            jars: jars.to_owned(),
            dir,
            heap_mib: 1024,
            properties: Vec::new(),
        })?;
        Ok(Self::Kafka(kafka, version))
    }

    /// Name and version.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Tidemill(_) => format!("Tidemill {}", env!("CARGO_PKG_VERSION")),
            Self::Kafka(_, version) => format!("Kafka {version}"),
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        match self {
            Self::Tidemill(server) => server.address().to_owned(),
            Self::Kafka(server, _) => server.address().to_string(),
        }
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match self {
            Self::Tidemill(server) => server.pid(),
            Self::Kafka(server, _) => server.pid(),
        }
    }

    /// From the start of its process until it answered.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        match self {
            Self::Tidemill(server) => server.started_in(),
            Self::Kafka(server, _) => server.started_in(),
        }
    }

    /// The settings of a topic that is as durable as that.
    #[must_use]
    pub fn settings(&self, durability: Durability) -> Vec<&'static str> {
        match (self, durability) {
            (Self::Tidemill(_), Durability::Disk) => vec!["tidemill.flush=always"],
            (Self::Tidemill(_), Durability::PageCache) => vec!["tidemill.flush=os"],
            (Self::Tidemill(_), Durability::Interval) => {
                vec!["tidemill.flush=interval", "tidemill.flush.interval.ms=10"]
            }
            (Self::Kafka(..), Durability::Disk) => vec!["flush.messages=1"],
            (Self::Kafka(..), Durability::PageCache) => Vec::new(),
            (Self::Kafka(..), Durability::Interval) => vec!["flush.ms=10"],
        }
    }
}
