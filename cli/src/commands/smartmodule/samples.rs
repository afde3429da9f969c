//! Records to try modules on: from the command line, from files, from standard input, from topics.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use tidemill_wire::batch::{Batch, BatchBuilder, RecordData};
use tidemill_wire::codec::Compression;

use super::file;
use super::stored::Stored;
use crate::commands::produce::input::Draft;
use crate::commands::produce::json_line;
use crate::error::Failure;

/// Where samples come from.
#[derive(Args, Debug)]
pub(crate) struct Samples {
    /// A record with this value; may be given again
    #[arg(
        id = "record",
        long = "record",
        value_name = "VALUE",
        allow_hyphen_values = true
    )]
    values: Vec<String>,
    /// Records from a file, one a line; `-` reads standard input
    #[arg(id = "records", long = "records", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Each line of --records is a JSON object, as `consume --format json` writes it
    #[arg(long, requires = "records")]
    json_lines: bool,
    #[command(flatten)]
    stored: Stored,
}

/// A batch of records of one partition.
pub(super) struct Part {
    pub(super) partition: i32,
    pub(super) batch: Batch,
}

impl Samples {
    /// All samples: those of a topic as they lie there, or else the others as one batch at offset 0.
    pub(super) fn parts(&self) -> Result<Vec<Part>> {
        if self.stored.topic.is_some() && !(self.values.is_empty() && self.files.is_empty()) {
            return Err(Failure::usage("give records of a topic, or others, but not both at once").into());
        }
        let stored = self.stored.parts()?;
        if self.stored.topic.is_some() {
            return Ok(stored);
        }
        let batch = self.batch()?;
        Ok(vec![Part { partition: 0, batch }])
    }

    fn batch(&self) -> Result<Batch> {
        let now = Timestamp::now().as_millisecond();
        let mut drafts: Vec<Draft> = self.values.iter().map(|value| of_value(value)).collect();
        for file in &self.files {
            for (at, line) in text(file)?.lines().enumerate() {
                drafts.push(self.draft(line).map_err(|problem| {
                    Failure::usage(format!("{}, line {}: {problem}", file.display(), at + 1))
                })?);
            }
        }
        if drafts.is_empty() {
            return Err(Failure::usage(
                "there is no record to try it on: give some with --record VALUE, --records FILE or --topic TOPIC",
            )
            .into());
        }
        let mut builder = BatchBuilder::new(Compression::None);
        for draft in &drafts {
            let headers: Vec<(&[u8], Option<&[u8]>)> = draft
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_deref()))
                .collect();
            builder.append(&RecordData {
                timestamp: draft.timestamp.unwrap_or(now),
                key: draft.key.as_deref(),
                value: draft.value.as_deref(),
                headers: &headers,
            });
        }
        let built = builder.with_place(0, 0).build();
        Batch::parse(&mut built.clone()).context("the samples make no batch")
    }

    fn draft(&self, line: &str) -> Result<Draft, String> {
        if self.json_lines {
            json_line::read(line.as_bytes())
        } else {
            Ok(of_value(line))
        }
    }
}

fn of_value(value: &str) -> Draft {
    Draft {
        value: Some(value.as_bytes().to_vec()),
        ..Draft::default()
    }
}

fn text(path: &Path) -> Result<String> {
    if path != Path::new("-") {
        return file::text(path);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read records from standard input")?;
    Ok(text)
}
