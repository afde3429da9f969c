//! The demo, for real but in a hurry: to its end, kept and stopped, interrupted.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Outcome;
use crate::{process, workspace};

/// Runs the demo with the debug build.
pub(crate) fn run() -> Result<Outcome> {
    let rehearsal = Rehearsal {
        program: std::env::current_exe().context("cannot tell where this program is")?,
        target: workspace::target().join("rehearsal"),
    };
    let mut outcome = Outcome {
        suite: "demo".to_owned(),
        ..Outcome::default()
    };
    outcome.case("ends by itself, with everything in order", rehearsal.whole());
    outcome.case("--keep leaves the server, --stop stops it", rehearsal.kept());
    outcome.case("Ctrl-C leaves nothing behind", rehearsal.interrupted());
    Ok(outcome)
}

/// Where demos run that are no concern of a developer's own.
struct Rehearsal {
    program: PathBuf,
    target: PathBuf,
}

impl Rehearsal {
    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("demo")
            .args(options)
            .env("CARGO_TARGET_DIR", &self.target);
        command
    }

    fn show(&self, options: &[&str]) -> Command {
        let mut command = self.command(options);
        command.arg("--binary").arg(workspace::binary("debug"));
        command
    }

    fn whole(&self) -> Result<()> {
        let printed = said(&mut self.show(&["--fast"]))?;
        for fact in [
            "20,000 in",
            "tidemill consume read each flight once, in order in each partition",
            "kcat read each flight once, in order in each partition",
            "both found each flight at the same partition and offset",
            "lag of group board: 0",
            "the replay gave the 7,099 flights since then, and no other",
            "after kill -9 the topic holds 20,000 of 20,000 records",
            "the server stopped cleanly",
        ] {
            ensure!(printed.contains(fact), "its summary does not say {fact:?}");
        }
        self.nothing_left()
    }

    fn kept(&self) -> Result<()> {
        let printed = said(&mut self.show(&["--fast", "--keep"]))?;
        let kafka = printed
            .lines()
            .find_map(|line| line.trim().strip_prefix("Kafka clients "));
        let kafka = kafka
            .context("it does not say where Kafka clients connect")?
            .trim();
        let mut describe = process::plain(workspace::binary("debug"));
        describe.args(["topic", "describe", "flights", "--bootstrap", kafka]);
        let looked = process::capture(&mut describe).context("the kept server does not answer");
        let stopped = said(&mut self.command(&["--stop"]))?;
        looked?;
        ensure!(
            stopped.contains(kafka),
            "--stop does not name the server at {kafka}"
        );
        ensure!(
            process::capture(&mut describe).is_err(),
            "the server at {kafka} still answers after --stop"
        );
        self.nothing_left()
    }

    fn interrupted(&self) -> Result<()> {
        // So slow that it is still streaming when the signal comes.
        let mut demo = self.show(&["--rate", "20"]);
        let mut demo = demo
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the demo")?;
        let kafka = until_streaming(&mut demo);
        process::interrupt(demo.id());
        let status = demo.wait()?;
        let kafka = kafka?;
        ensure!(!status.success(), "an interrupted demo says that all went well");
        ensure!(
            std::net::TcpStream::connect(&kafka).is_err(),
            "the server at {kafka} still answers"
        );
        self.nothing_left()
    }

    fn nothing_left(&self) -> Result<()> {
        let left: Vec<PathBuf> = entries(&self.target.join("demo"))?;
        ensure!(left.is_empty(), "left behind: {left:?}");
        Ok(())
    }
}

/// Runs it, shows what it printed, and answers that.
fn said(command: &mut Command) -> Result<String> {
    let printed = process::capture(command)?;
    println!("{printed}");
    Ok(printed)
}

/// Reads until the producer is started; answers the address of the server.
fn until_streaming(demo: &mut Child) -> Result<String> {
    let output = demo.stdout.take().context("the demo has no output")?;
    let mut kafka = None;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some((_, rest)) = line.split_once("Kafka clients on ") {
            kafka = rest.split(',').next().map(str::to_owned);
        }
        if line.contains("$ tidemill produce") {
            break;
        }
    }
    kafka.context("the demo ended before it had a server")
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
