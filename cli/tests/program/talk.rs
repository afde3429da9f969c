//! Talking to a command while it runs.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Outcome, Server, command};

/// A command that has not ended by then never will: the test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command against the server with this standard input.
pub(crate) fn feed(server: &Server, arguments: &[&str], input: &[u8]) -> Outcome {
    let mut child = piped(&mut command(
        &[arguments, &["--bootstrap", &server.kafka]].concat(),
    ));
    let mut stdin = child.stdin.take().unwrap();
    // A command may end without reading all of it.
    let _ = stdin.write_all(input);
    drop(stdin);
    ended(child)
}

/// Starts a command with every stream piped.
pub(crate) fn piped(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lines that the command prints, as they come.
pub(crate) fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// How a command whose output is piped ended by itself.
pub(crate) fn ended(child: Child) -> Outcome {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = kill_process(pid, Signal::KILL);
        panic!("the command did not end within {PATIENCE:?}")
    });
    let output = output.unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The standard output of a command that succeeded.
pub(crate) fn printed(outcome: &Outcome) -> &str {
    assert_eq!(outcome.code, 0, "{outcome:?}");
    &outcome.stdout
}
