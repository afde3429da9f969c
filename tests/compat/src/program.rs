//! A suite that is a program: it prints one JSON object a case, and its time is bounded.
//!
//! A line `{"ask": "restart"}` asks the harness to do that to the server, and to say so in a line on its input.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::case::Results;

/// How long one suite may take.
const SUITE_LIMIT: Duration = Duration::from_secs(300);
/// How long a long run of published tests may take.
const LONG_LIMIT: Duration = Duration::from_secs(1800);

/// What a case came to, as its program says it.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) case: String,
    pub(crate) ok: bool,
    #[serde(default)]
    pub(crate) detail: String,
}

impl Found {
    /// A case that failed.
    pub(crate) fn failed(case: &str, detail: &str) -> Found {
        Found {
            case: case.to_owned(),
            ok: false,
            detail: detail.to_owned(),
        }
    }
}

/// A line of a suite.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Case(Found),
    /// The suite wants something done to the server, and reads a line once it is.
    Ask {
        ask: String,
    },
}

/// Runs a suite to its end and records its cases. What it prints besides goes to standard error.
pub(crate) fn run_suite(command: &mut Command, results: &mut Results) -> Result<()> {
    run_asking(command, results, |ask| {
        bail!("the suite asks for {ask}, which this server cannot do")
    })
}

/// The same for a suite that asks for things to be done to the server.
pub(crate) fn run_asking(
    command: &mut Command,
    results: &mut Results,
    mut answer: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    let mut stdin = child.stdin.take().context("the suite has no input")?;
    let lines = lines(child.stdout.take().context("the suite has no output")?);
    let deadline = Instant::now() + SUITE_LIMIT;
    let mut cases = 0;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => match serde_json::from_str::<Line>(&text) {
                Ok(Line::Case(found)) => {
                    cases += 1;
                    results.record(&found.case, found.ok, &found.detail)?;
                }
                Ok(Line::Ask { ask }) => {
                    if let Err(error) = answer(&ask).and_then(|()| Ok(writeln!(stdin, "done")?)) {
                        stop(&mut child);
                        return Err(error);
                    }
                }
                Err(_) => eprintln!("  | {text}"),
            },
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                stop(&mut child);
                bail!("did not end within {} s; ended it", SUITE_LIMIT.as_secs());
            }
        }
    }
    let status = child.wait().context("cannot wait for the suite")?;
    if !status.success() || cases == 0 {
        bail!("ended with {status} after {cases} cases");
    }
    Ok(())
}

/// Runs published tests to their end, or to the limit, and returns what `read` makes of their output. Whether the
/// program itself succeeds says nothing: some tests are known to fail.
pub(crate) fn bounded(
    command: &mut Command,
    long: bool,
    read: impl FnOnce(&mut dyn BufRead, &Sender<Found>) + Send + 'static,
) -> Result<Vec<Found>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    let stdout = child.stdout.take().context("the tests have no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || read(&mut BufReader::new(stdout), &sender));
    let limit = if long { LONG_LIMIT } else { SUITE_LIMIT };
    let deadline = Instant::now() + limit;
    let mut found = Vec::new();
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(one) => found.push(one),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let detail = format!("did not end within {} s; ended them", limit.as_secs());
                found.push(Found::failed("all of them", &detail));
                break;
            }
        }
    }
    stop(&mut child);
    Ok(found)
}

/// The output of a command that must succeed within a limit.
pub(crate) fn output(command: &mut Command, input: &[u8], limit: Duration) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let input = input.to_vec();
    thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = bytes(child.stdout.take().context("no standard output")?);
    let stderr = bytes(child.stderr.take().context("no standard error")?);
    let Ok(stdout) = stdout.recv_timeout(limit) else {
        stop(&mut child);
        let said = stderr.recv().unwrap_or_default();
        bail!(
            "{name} did not end within {} s: {}",
            limit.as_secs(),
            String::from_utf8_lossy(&said)
        );
    };
    let status = child.wait()?;
    if !status.success() {
        let said = stderr.recv().unwrap_or_default();
        bail!(
            "{name} ended with {status}: {}",
            String::from_utf8_lossy(&said).trim()
        );
    }
    Ok(stdout)
}

fn lines(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn bytes(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut content = Vec::new();
        let _ = stream.read_to_end(&mut content);
        let _ = sender.send(content);
    });
    receiver
}

fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
