//! How results are printed: tables for people, JSON and YAML for programs.

mod stream;
mod table;
mod text;

use std::io::{self, ErrorKind, Write as _};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::error::OutputClosed;

pub(crate) use stream::Stream;
pub(crate) use table::{Column, table};
pub(crate) use text::{bytes, count, counted, duration, time};

/// Shape of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people; not a promise to programs
    Table,
    Json,
    Yaml,
}

/// How to print results.
#[derive(Args, Debug, Clone)]
pub(crate) struct Output {
    /// Shape of the results
    #[arg(long, short = 'o', value_enum, default_value = "table", global = true)]
    pub(crate) output: Format,
}

impl Output {
    /// Prints a list of objects: each row of the table shows the columns of one.
    pub(crate) fn list(&self, rows: &[Value], columns: &[Column]) -> Result<()> {
        match self.output {
            Format::Table => emit(&table(rows, columns)),
            _ => self.value(&Value::Array(rows.to_vec())),
        }
    }

    /// Prints one document; as a table it is what `people` makes of it.
    pub(crate) fn one(&self, value: &Value, people: impl FnOnce(&Value) -> String) -> Result<()> {
        match self.output {
            Format::Table => emit(&people(value)),
            _ => self.value(value),
        }
    }

    /// Prints what was done, for programs: people are told while it is done.
    pub(crate) fn done(&self, value: &Value) -> Result<()> {
        match self.output {
            Format::Table => Ok(()),
            _ => self.value(value),
        }
    }

    /// Prints one document as JSON or YAML (which a table becomes, too).
    pub(crate) fn value(&self, value: &Value) -> Result<()> {
        match self.output {
            Format::Json => emit(&serde_json::to_string_pretty(value)?),
            Format::Table | Format::Yaml => emit(yaml(value)?.trim_end()),
        }
    }
}

/// A document as YAML.
pub(crate) fn yaml(value: &Value) -> Result<String> {
    Ok(serde_saphyr::to_string(value)?)
}

/// Prints lines to standard output.
///
/// # Errors
/// [`OutputClosed`] when nobody reads any more.
pub(crate) fn emit(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    closed(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// Says something that is no result, on standard error. Whoever closed it does not want to know.
pub(crate) fn tell(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells a reader that went away from output that failed.
pub(crate) fn closed(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        Err(error) => Err(anyhow::Error::from(error).context("cannot write the output")),
        Ok(()) => Ok(()),
    }
}
