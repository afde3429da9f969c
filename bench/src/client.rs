//! The clients, each the same against every server.

pub mod confluent;
pub mod kafka_tools;
pub mod tidemill;

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::load::{Load, Produced};

/// A client that produces and consumes as fast as it can.
pub trait Client {
    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// Sends every record with `acks=all` and waits for all acknowledgements.
    ///
    /// # Errors
    /// It fails, with what it said, or a record was not acknowledged.
    fn produce(&self, load: &Load) -> Result<Produced>;

    /// Reads every record from the beginning; answers records a second.
    ///
    /// # Errors
    /// It fails, or what it read is not what was sent.
    fn consume(&self, load: &Load) -> Result<f64>;
}

/// Runs a program to its end; answers what it printed.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}: run `cargo xtask setup`"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed with {}: {text}{errors}", output.status);
    }
    Ok(text)
}
