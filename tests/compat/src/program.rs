//! A suite that is a program: it prints one JSON object a case, and its time is bounded.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::case::Results;

/// How long one suite may take.
const SUITE_LIMIT: Duration = Duration::from_secs(300);

/// A line of a suite.
#[derive(Deserialize)]
struct Line {
    case: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

/// Runs a suite to its end and records its cases. What it prints besides goes to standard error.
pub(crate) fn run_suite(command: &mut Command, results: &mut Results) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    let lines = lines(child.stdout.take().context("the suite has no output")?);
    let deadline = Instant::now() + SUITE_LIMIT;
    let mut cases = 0;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => match serde_json::from_str::<Line>(&text) {
                Ok(line) => {
                    cases += 1;
                    results.record(&line.case, line.ok, &line.detail)?;
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

/// The output of a command that must succeed within a limit.
pub(crate) fn output(command: &mut Command, input: &[u8], limit: Duration) -> Result<Vec<u8>> {
    use std::io::Write as _;
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
