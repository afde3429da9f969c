//! Programs of tool chains: where they are, and running them.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::error::Failure;
use crate::output::tell;

/// A program, and what to do when it is missing.
pub(super) struct Need {
    pub(super) program: &'static str,
    pub(super) mend: &'static str,
}

/// Where a program is.
///
/// # Errors
/// It is not on the `PATH`; the message says how to get it.
pub(super) fn find(need: &Need) -> Result<PathBuf> {
    which(need.program)
        .ok_or_else(|| Failure::usage(format!("`{}` is not there: {}", need.program, need.mend)).into())
}

/// Where a program is on the `PATH`, if it is there.
pub(super) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|dir| {
            let exact = dir.join(program);
            let windows = dir.join(format!("{program}.exe"));
            [exact, windows]
        })
        .find(|candidate| candidate.is_file())
}

/// Runs a command; what it prints goes to standard error, since standard output is for the result.
pub(super) fn run(command: &mut Command) -> Result<()> {
    command.stdout(io::stderr());
    let text = shown(command);
    tell(format_args!("+ {text}"));
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start `{text}`"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(1, format!("`{text}` failed ({status}); what it said is above")).into())
}

/// Runs a command that says on standard output what it did.
pub(super) fn run_and_read(command: &mut Command) -> Result<String> {
    let text = shown(command);
    tell(format_args!("+ {text}"));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{text}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::new(
        1,
        format!("`{text}` failed ({}); what it said is above", output.status),
    )
    .into())
}

/// Whether a command succeeds, whatever it prints.
pub(super) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command as one would type it, without the folders of programs.
fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut words = vec![
        program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned(),
    ];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
