//! The real program: as a server on free ports, and as a command.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

mod talk;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tidemill_client::Client;

pub(crate) use talk::{ended, feed, lines, piped, printed, signal};

/// A command of the program, without settings of whoever runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemill"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEMILL_") {
            command.env_remove(name);
        }
    }
    command.env("TIDEMILL_CONFIG", "/nonexistent/tidemill.toml");
    command.env("TIDEMILL_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// How a command went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    ended(spawn(arguments))
}

/// Starts a command that reads nothing.
fn spawn(arguments: &[&str]) -> Child {
    command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

impl Outcome {
    /// What was printed as JSON, by a command that succeeded.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        self.printed()
    }

    /// What was printed as JSON, however it went.
    pub(crate) fn printed(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Sees that it failed with `code`, says `part`, and printed no result.
    pub(crate) fn failed(&self, code: i32, part: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(part), "{part:?} is not said: {self:?}");
        assert_eq!(self.stdout, "", "nothing is a result");
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    dir: TempDir,
    pub(crate) kafka: String,
    pub(crate) http: String,
}

impl Server {
    pub(crate) fn start(more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), more)
    }

    /// Ends the server at once and starts another one with its data.
    pub(crate) fn restarted(self) -> Self {
        Self::start_in(self.kill().0, &[])
    }

    fn start_in(dir: TempDir, more: &[&str]) -> Self {
        let data = dir.path().join("data");
        let ready = dir.path().join("ready.json");
        let free = "127.0.0.1:0";
        let mut serve = command(&["serve", "--kafka", free, "--http", free]);
        serve
            .arg("--data-dir")
            .arg(&data)
            .arg("--ready-file")
            .arg(&ready)
            .args(more);
        let mut child = serve
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The ready file is there once the log says so.
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let said: Vec<String> = log
            .by_ref()
            .map(Result::unwrap)
            .take_while(|line| !line.contains(" ready "))
            .collect();
        // Whatever it says from here on must not fill the pipe.
        std::thread::spawn(move || log.for_each(drop));
        let addresses = std::fs::read_to_string(&ready).unwrap_or_else(|_| panic!("no start: {said:?}"));
        let addresses: Value = serde_json::from_str(&addresses).unwrap();
        let text = |name: &str| addresses[name].as_str().unwrap().to_owned();
        Self {
            child,
            dir,
            kafka: text("kafka"),
            http: text("http"),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command against this server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        run(&[arguments, &["--bootstrap", &self.kafka]].concat())
    }

    /// Starts a command against this server.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        spawn(&[arguments, &["--bootstrap", &self.kafka]].concat())
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.kafka.as_str()).await.unwrap()
    }

    /// Ends the server at once; answers its data directory, which lives as long as the answer.
    pub(crate) fn kill(mut self) -> (TempDir, PathBuf) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let path = self.data_dir();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        (dir, path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
