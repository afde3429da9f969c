//! The clients' own published tests, against a server of their own: which ones run is in `published.toml`.
//!
//! They run beside the other suites, for they wait far more than they compute, and their results are taken at the end.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::program::{Found, bounded};
use crate::server::Server;
use crate::suite::source;

/// The broker settings that these tests' own fixtures give to Kafka.
const SETTINGS: &str = "node-id = 0\ngroup-min-session-timeout-ms = 1000\n";

/// The tests of one client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Tests {
    /// The names of those that run.
    pub(crate) tests: Vec<String>,
    /// What does not run, and why.
    pub(crate) left_out: BTreeMap<String, String>,
}

/// `published.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct List {
    pub(crate) franz_go: Tests,
    pub(crate) kafka_python: Tests,
    /// Clients of which no published test runs, and why.
    pub(crate) elsewhere: BTreeMap<String, String>,
}

impl List {
    pub(crate) fn read() -> Result<List> {
        let path = source("published.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).context("published.toml is not what it should be")
    }
}

/// What a run of published tests needs.
pub(crate) struct Need {
    pub(crate) bootstrap: String,
    pub(crate) tools: PathBuf,
    /// The long run.
    pub(crate) full: bool,
}

/// The tests of one client, under way.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    thread: thread::JoinHandle<Result<Vec<Found>>>,
}

impl Running {
    /// Waits until they are over.
    pub(crate) fn join(self) -> Result<Vec<Found>> {
        match self.thread.join() {
            Ok(outcome) => outcome,
            Err(_) => anyhow::bail!("the thread that ran them panicked"),
        }
    }
}

/// A client's published tests.
pub(crate) struct Published {
    pub(crate) name: &'static str,
    pub(crate) client: &'static str,
    run: fn(&Need, &List) -> Result<Vec<Found>>,
}

/// All of them, in the order of the page.
pub(crate) const PUBLISHED: &[Published] = &[
    Published {
        name: "franz-go",
        client: "franz-go's own tests",
        run: franz_go,
    },
    Published {
        name: "kafka-python-own",
        client: "kafka-python's own tests",
        run: kafka_python,
    },
];

/// Starts the tests of one client in the background: against a fresh server, or against the broker given.
pub(crate) fn begin(published: &'static Published, binary: Option<&Path>, mut need: Need) -> Running {
    let binary = binary.map(Path::to_path_buf);
    let run = published.run;
    let thread = thread::spawn(move || {
        let list = List::read()?;
        let server = match &binary {
            Some(binary) => Some(Server::start(binary, SETTINGS)?),
            None => None,
        };
        if let Some(server) = &server {
            server.kafka().clone_into(&mut need.bootstrap);
        }
        let mut found = run(&need, &list)?;
        if let Some(mut server) = server {
            found.extend(server.wounds());
        }
        Ok(found)
    });
    Running {
        name: published.name,
        thread,
    }
}

/// Every listed test must have run.
fn complete(mut found: Vec<Found>, listed: &[String], is: impl Fn(&str, &str) -> bool) -> Vec<Found> {
    let missing: Vec<Found> = listed
        .iter()
        .filter(|name| !found.iter().any(|one| is(&one.case, name)))
        .map(|name| Found::failed(name, "listed in published.toml, but it did not run"))
        .collect();
    found.extend(missing);
    found.sort_by(|one, other| one.case.cmp(&other.case));
    found
}

fn franz_go(need: &Need, list: &List) -> Result<Vec<Found>> {
    let program = need.tools.join("go/kgo.test");
    ensure!(
        program.exists(),
        "{} is not there: run `cargo xtask setup`",
        program.display()
    );
    let tests = &list.franz_go.tests;
    let mut command = Command::new(program);
    command
        .arg("-test.v")
        .arg(format!("-test.run=^({})$", tests.join("|")));
    command
        .env("KGO_SEEDS", &need.bootstrap)
        .env("KGO_TEST_RF", "1")
        .env("KGO_LOG_LEVEL", "none");
    let records = if need.full { "500000" } else { "10000" };
    command
        .env("KGO_TEST_RECORDS", records)
        .env("KGO_TEST_MAX_TOPIC_PARTS", "7");
    let found = bounded(&mut command, need.full, read_go)?;
    Ok(complete(found, tests, |case, name| case == name))
}

/// Reads the output of `go test -v`: the outcome of each test that is not part of another, and what a failed one said.
fn read_go(stdout: &mut dyn BufRead, sender: &Sender<Found>) {
    let mut current = String::new();
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for line in stdout.lines().map_while(Result::ok) {
        let top = |name: &str| name.split('/').next().unwrap_or(name).to_owned();
        if let Some(rest) = line.strip_prefix("=== ") {
            current = top(rest.split_whitespace().nth(1).unwrap_or_default());
        } else if let Some((outcome, rest)) = line.strip_prefix("--- ").and_then(|line| line.split_once(": "))
        {
            current = top(rest.split_whitespace().next().unwrap_or_default());
            let detail = said.remove(&current).unwrap_or_default();
            let detail = format!("{outcome}: {detail:.500}");
            let _ = sender.send(Found {
                case: current.clone(),
                ok: outcome == "PASS",
                detail,
            });
        } else if line.contains("_test.go:") && said.get(&current).is_none_or(|text| text.len() < 500) {
            said.entry(current.clone()).or_default().push_str(line.trim());
        }
    }
}

fn kafka_python(need: &Need, list: &List) -> Result<Vec<Found>> {
    let tree = need.tools.join("python/sources/kafka-python");
    ensure!(
        tree.exists(),
        "{} is not there: run `cargo xtask setup`",
        tree.display()
    );
    let tests = &list.kafka_python.tests;
    let mut command = Command::new(need.tools.join("python/bin/python"));
    command.current_dir(&tree).args([
        "-m",
        "pytest",
        "-p",
        "published_kafka_python",
        "-p",
        "no:cacheprovider",
    ]);
    command.args([
        "-q",
        "-W",
        "ignore",
        "--capture=sys",
        "--show-capture=no",
        "--tb=line",
        "--timeout=90",
    ]);
    command.args(tests.iter().map(|test| format!("test/integration/{test}")));
    command.env("PYTHONPATH", source("python"));
    command
        .env("KAFKA_URI", format!("kafka://{}", need.bootstrap))
        .env("KAFKA_VERSION", "4.1.0");
    // Where a broker to start would be: the fixtures look for it even when they start none.
    command
        .env("KAFKA_ROOT", &tree)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let found = bounded(&mut command, need.full, |stdout, sender| {
        for line in stdout.lines().map_while(Result::ok) {
            if let Ok(one) = serde_json::from_str::<Found>(&line) {
                let _ = sender.send(one);
            }
        }
    })?;
    let is = |case: &str, name: &str| {
        let (file, test) = name.split_once("::").unwrap_or_default();
        case.split_once(": ").is_some_and(|(in_file, name)| {
            file.strip_suffix(".py") == Some(in_file) && name.split('[').next() == Some(test)
        })
    };
    Ok(complete(found, tests, is))
}
