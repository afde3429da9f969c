//! The suites: each foreign client, and how its program is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::case::Results;
use crate::program::run_suite;
use crate::{differential, dump, java, kcat, restart, tools, views};

/// What the suites run against, and with.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) bootstrap: String,
    /// The server's binary, where the harness starts servers.
    pub(crate) binary: Option<PathBuf>,
    /// The server's data, where the harness started it.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) tools: PathBuf,
}

/// One suite.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// The client under test, as the page names it.
    pub(crate) client: &'static str,
    pub(crate) run: fn(&Target, &mut Results) -> Result<()>,
}

/// All suites, in the order in which they run. `dump-log` reads what the others wrote.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "kcat",
        client: "kcat (librdkafka)",
        run: kcat::run,
    },
    Suite {
        name: "confluent-kafka",
        client: "confluent-kafka-python (librdkafka)",
        run: |target, results| run_suite(&mut python(target, "confluent_suite.py"), results),
    },
    Suite {
        name: "kafka-python",
        client: "kafka-python",
        run: |target, results| run_suite(&mut python(target, "kafka_python_suite.py"), results),
    },
    Suite {
        name: "aiokafka",
        client: "aiokafka",
        run: |target, results| run_suite(&mut python(target, "aiokafka_suite.py"), results),
    },
    Suite {
        name: "kafkajs",
        client: "kafkajs",
        run: |target, results| run_suite(&mut node(target, "kafkajs_suite.js"), results),
    },
    Suite {
        name: "java",
        client: "Apache Kafka's Java clients",
        run: java::run,
    },
    Suite {
        name: "restart",
        client: "All of them, while the server is killed and started again",
        run: restart::run,
    },
    Suite {
        name: "tools",
        client: "Apache Kafka's command-line tools and verifiable clients",
        run: tools::run,
    },
    Suite {
        name: "dump-log",
        client: "Apache Kafka's DumpLogSegments, on our files",
        run: dump::run,
    },
];

/// Suites of the long run alone.
pub(crate) const LONG_SUITES: &[Suite] = &[
    Suite {
        name: "differential",
        client: "Raw requests, to this server and to Apache Kafka",
        run: differential::run,
    },
    Suite {
        name: "views",
        client: "All of them, on views",
        run: views::run,
    },
];

/// A directory of this crate.
pub(crate) fn source(dir: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)
}

/// A Python program of this crate, run with the clients that the set-up installed.
pub(crate) fn python(target: &Target, script: &str) -> Command {
    let mut command = Command::new(target.tools.join("python/bin/python"));
    command
        .arg("-u")
        .arg(source("python").join(script))
        .env("BOOTSTRAP", &target.bootstrap);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A Node program of this crate, likewise.
pub(crate) fn node(target: &Target, script: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(source("node").join(script))
        .env("BOOTSTRAP", &target.bootstrap);
    command.env("NODE_PATH", target.tools.join("node/node_modules"));
    command.env("KAFKAJS_NO_PARTITIONER_WARNING", "1");
    command
}
