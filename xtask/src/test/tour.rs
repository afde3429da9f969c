//! The README's tour and the guides, as a reader would type them.
//!
//! Every block of shell of a page (of the README: under `## A tour`) runs, in its order, in an empty directory; a block
//! of `text` that follows is what it has to print. Three things differ from what is written, so that the test disturbs nobody: the
//! debug build stands in for the release build, free ports for the default ones, and the checkout is elsewhere.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Outcome;
use crate::setup::debian;
use crate::{process, workspace};

const READY_LIMIT: Duration = Duration::from_secs(30);

/// Some lines of shell from a page.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Where it begins.
    line: usize,
    shell: String,
    /// What it prints, if the page says so.
    output: Option<String>,
}

/// Runs the README's tour against the debug build.
pub(crate) fn run() -> Result<Outcome> {
    run_page("README.md", Some("## A tour"))
}

/// Runs the guide to the control plane against the debug build.
pub(crate) fn control_plane() -> Result<Outcome> {
    debian::ensure(&["curl", "jq"])?;
    run_page("docs/control-plane.md", None)
}

/// Runs the guide to SmartModules against the debug build.
pub(crate) fn smartmodules() -> Result<Outcome> {
    debian::ensure(&["jq"])?;
    run_page("docs/smartmodules.md", None)
}

fn run_page(page: &str, section: Option<&str>) -> Result<Outcome> {
    let text =
        fs::read_to_string(workspace::root().join(page)).with_context(|| format!("cannot read {page}"))?;
    let mut outcome = Outcome {
        suite: page.trim_end_matches(".md").to_owned(),
        ..Outcome::default()
    };
    outcome.case("names only commands that there are", named_commands(&text));
    let blocks = blocks(&text, section);
    let Some(serve) = blocks
        .iter()
        .position(|block| block.shell.starts_with("tidemill serve"))
    else {
        bail!("{page} starts no server: it has no block that begins with `tidemill serve`");
    };
    let (before, rest) = blocks.split_at(serve);
    let dir = workspace::target().join("tour").join(&outcome.suite);
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut tour = Tour::start(&dir, before, &rest[0])?;
    for block in &rest[1..] {
        let name = format!(
            "{page}:{}: {}",
            block.line,
            block.shell.lines().next().unwrap_or_default()
        );
        outcome.case(&name, tour.run(block));
    }
    outcome.case("the server stops cleanly", tour.stop());
    Ok(outcome)
}

/// Each `cargo xtask` command that a page names.
fn named_commands(readme: &str) -> Result<()> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    for (_, rest) in readme
        .match_indices("cargo xtask ")
        .map(|(at, found)| (at, &readme[at + found.len()..]))
    {
        let word: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        if !word.is_empty() {
            process::capture(Command::new(&program).args([&word, "--help"]))
                .with_context(|| format!("the page names `cargo xtask {word}`"))?;
        }
    }
    Ok(())
}

/// The blocks of shell of a page, or of one section of it.
fn blocks(page: &str, section: Option<&str>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = section.is_none();
    // The language of the fence that is open, and its lines.
    let mut open: Option<(&str, usize, String)> = None;
    for (index, line) in page.lines().enumerate() {
        match &mut open {
            Some((language, at, text)) if line == "```" => {
                match (*language, blocks.last_mut()) {
                    ("sh", _) => blocks.push(Block {
                        line: *at,
                        shell: std::mem::take(text),
                        output: None,
                    }),
                    ("text", Some(block)) => block.output = Some(std::mem::take(text)),
                    _ => {}
                }
                open = None;
            }
            Some((_, _, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line.starts_with("## ") => inside = section.is_none_or(|section| section == line),
            None => {
                if let Some(language) = line.strip_prefix("```").filter(|_| inside) {
                    open = Some((language, index + 1, String::new()));
                }
            }
        }
    }
    blocks
}

/// The tour under way: a server, and what was typed before it.
struct Tour<'a> {
    dir: &'a Path,
    /// What every shell begins with.
    before: String,
    server: Child,
    kafka: String,
    http: String,
}

impl Tour<'_> {
    fn start<'a>(dir: &'a Path, before: &[Block], serve: &Block) -> Result<Tour<'a>> {
        let before: String = before.iter().map(|block| debug_build(&block.shell)).collect();
        let script = format!("{before}exec {}", serve.shell);
        let mut command = shell(dir, &script);
        command
            .env("TIDEMILL_KAFKA", "127.0.0.1:0")
            .env("TIDEMILL_HTTP", "127.0.0.1:0")
            .stderr(Stdio::piped());
        let mut server = command.spawn().context("cannot start bash")?;
        let Some(log) = server.stderr.take() else {
            bail!("the server has no log");
        };
        let (sender, receiver) = mpsc::channel();
        // Read to its end: a server whose log nobody reads would stand still.
        thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                println!("  server: {line}");
                if let Some(addresses) = addresses(&line) {
                    let _ = sender.send(addresses);
                }
            }
        });
        match receiver.recv_timeout(READY_LIMIT) {
            Ok((kafka, http)) => Ok(Tour {
                dir,
                before,
                server,
                kafka,
                http,
            }),
            Err(_) => {
                let _ = server.kill();
                bail!(
                    "`{}` did not say that it is ready; see its log above",
                    serve.shell.trim()
                );
            }
        }
    }

    fn run(&self, block: &Block) -> Result<()> {
        let here = block
            .shell
            .replace("localhost:9092", &self.kafka)
            .replace("localhost:8092", &self.http);
        let script = format!("{}{}", self.before, debug_build(&here));
        let mut command = shell(self.dir, &script);
        command.env("TIDEMILL_BOOTSTRAP", &self.kafka);
        let printed = process::capture(&mut command)?;
        println!("{}\n{printed}", block.shell.trim());
        if let Some(expected) = &block.output {
            ensure!(
                printed.trim() == expected.trim(),
                "it printed\n{}\nand the page says\n{}",
                printed.trim(),
                expected.trim()
            );
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        process::terminate(self.server.id());
        let status = self.server.wait().context("cannot wait for the server")?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

impl Drop for Tour<'_> {
    fn drop(&mut self) {
        // Ended by then, unless the tour broke off.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A shell that fails with the first command that fails, without the settings for Tidemill that ours may have.
fn shell(dir: &Path, script: &str) -> Command {
    let mut command = process::plain("bash");
    command
        .args(["-euo", "pipefail", "-c", script])
        .env("TIDEMILL_CACHE", workspace::target().join("cache"))
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

fn debug_build(shell: &str) -> String {
    let debug = workspace::binary("debug");
    let dir = debug.parent().unwrap_or(Path::new(".")).display().to_string();
    let root = workspace::root().display().to_string();
    shell
        .replace("$PWD/target/release", &dir)
        .replace("$PWD/smartmodule", &format!("{root}/smartmodule"))
}

/// The addresses in the log line that says `ready`.
fn addresses(line: &str) -> Option<(String, String)> {
    let word = |name: &str| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix(name))?;
        Some(word.to_owned())
    };
    // The page writes the scheme of a URL itself.
    line.contains(" ready ").then(|| {
        Some((
            word("kafka=")?,
            word("http=")?.trim_start_matches("http://").to_owned(),
        ))
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tours_blocks_are_taken() {
        let readme = "# T\n```sh\nno\n```\n## A tour\nSee:\n```sh\na\nb\n```\nprints\n```text\nx\n```\n```yaml\ny: 1\n```\n## Next\n```sh\nno\n```\n";
        let block = Block {
            line: 7,
            shell: "a\nb\n".to_owned(),
            output: Some("x\n".to_owned()),
        };
        assert_eq!(blocks(readme, Some("## A tour")), [block]);
        assert_eq!(blocks(readme, None).len(), 3, "a guide is taken whole");
    }

    #[test]
    fn addresses_are_read_from_the_log() {
        let line = "2026-01-01T00:00:00Z  INFO tidemill: ready kafka=127.0.0.1:1 http=http://127.0.0.1:2";
        assert_eq!(
            addresses(line),
            Some(("127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned()))
        );
        assert_eq!(addresses("INFO not yet"), None);
    }
}
