//! The command line of Tidemill, pointed at the demo's server.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::screen::Screen;
use crate::{process, workspace};

/// Runs `tidemill` commands.
pub(crate) struct Tidemill {
    pub(crate) binary: PathBuf,
    /// Where Kafka clients connect.
    pub(crate) kafka: String,
}

impl Tidemill {
    /// A command of `tidemill`, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::plain(&self.binary);
        command
            .args(arguments)
            .env("TIDEMILL_BOOTSTRAP", &self.kafka)
            .current_dir(workspace::root());
        command
    }

    /// Runs a command for all to see: what was typed, and what it printed.
    pub(crate) fn show(&self, screen: &Screen, arguments: &[&str]) -> Result<String> {
        screen.command(&typed(arguments));
        let output = self.output(arguments)?;
        screen.text(&output);
        Ok(output)
    }

    /// Runs a command and reads its output as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.output(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&output).with_context(|| format!("`{}` did not print JSON", typed(arguments)))
    }

    /// Runs a command and answers what it printed.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<String> {
        let text = typed(arguments);
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start `{text}`"))?;
        super::interrupt::check()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{text}` failed ({}): {}", output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A command of `tidemill` as one would type it.
pub(crate) fn typed(arguments: &[&str]) -> String {
    let quoted = arguments.iter().map(|argument| {
        if argument.contains([' ', '"', '\'', '\\', '{', '$']) {
            format!("'{argument}'")
        } else {
            (*argument).to_owned()
        }
    });
    std::iter::once("tidemill".to_owned())
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}
